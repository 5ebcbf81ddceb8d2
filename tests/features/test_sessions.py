"""Session snapshots: against an oracle on random visits, blind to later events, and edge by edge."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, datetime, timedelta

import duckdb
import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

from customer_behavior import maintenance
from customer_behavior.errors import NotReadyError
from customer_behavior.features import customer_day, sessions, snapshot
from customer_behavior.warehouse import copy_frame, ensure_partitions, sql_text
from support import small_shop
from support.visits import LABELS, ZONE, day_of, event, expected, identity, random_events

DAY = date(2024, 3, 5)
NEXT = DAY + timedelta(days=1)
SPRING, AUTUMN = date(2024, 3, 10), date(2024, 11, 3)  # 23 and 25 hours


@pytest.fixture
def shop(warehouse, tmp_path, monkeypatch):
    """Put events in place of all there are, rolled up, and build a day; return its rows by session and moment."""
    for name, value in small_shop.configure(tmp_path).items():
        monkeypatch.setenv(name, value)

    def build(events: list[dict], day: date = DAY) -> list[dict]:
        load(warehouse, events, day)
        written = sessions.build(warehouse, day)
        rows = taken(warehouse, day)
        assert len(rows) == written
        return rows

    return build


def load(warehouse, events: list[dict], day: date) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.text("TRUNCATE raw.events, features.customer_day, raw.ingest_batches"))
        for event_day in {one["event_day"] for one in events}:
            ensure_partitions(connection, "raw.events", event_day, event_day)
        if events:
            copy_frame(connection, "raw.events", pd.DataFrame(events, dtype=object))
    ledger(warehouse, day)
    for source in {one["source"] for one in events}:
        slices = {(one["batch_date"], one["event_day"]) for one in events if one["source"] == source}
        with warehouse.begin("ingest") as connection:
            customer_day.replace(connection, source, slices, str(ZONE))


def ledger(warehouse, day: date) -> None:
    insert = (
        "INSERT INTO raw.ingest_batches (source, batch_date, status, files, rows_read, rows_accepted, rows_rejected,"
        " rows_duplicate, event_days) VALUES ('till', :day, 'loaded', '{}', 0, 0, 0, 0, '{}')"
    )
    with warehouse.begin() as connection:
        connection.execute(sa.text(insert), {"day": day})


def taken(warehouse, day: date) -> list[dict]:
    query = sa.text("SELECT * FROM features.session_snapshot WHERE session_day = :day")
    with warehouse.begin("score") as connection:
        return sorted((dict(row) for row in connection.execute(query, {"day": day}).mappings()), key=identity)


def at(clock: str, day: date = DAY) -> datetime:
    """A shop-local time of a day; a fold is written `01:30*`."""
    hour, minute, *second = clock.rstrip("*").split(":")
    stamp = datetime(day.year, day.month, day.day, int(hour), int(minute), *map(int, second), tzinfo=ZONE)
    return stamp.replace(fold=int(clock.endswith("*")))


def visit(*clocks: str, day: date = DAY, **given) -> list[dict]:
    """Views at some times, of one session s unless said otherwise."""
    start = int(at(clocks[0], day).timestamp()) % 90_000
    return [event(start + n, at(clock, day), **{"session_id": "s", **given}) for n, clock in enumerate(clocks)]


def rounded(row: dict) -> dict:
    return {
        name: value if value is None or isinstance(value, (str, date)) else round(float(value), 9)
        for name, value in row.items()
    }


def keys(rows: list[dict]) -> list[tuple]:
    return [(row["session_key"], row["after_events"]) for row in rows]


@pytest.mark.parametrize("day", [DAY, SPRING, AUTUMN])
@pytest.mark.parametrize("seed", range(6))
def test_random_visits_are_as_the_oracle_says(shop, seed, day):
    events = random_events(seed, day)
    right = expected(events, day)
    assert min(Counter(row["bought"] for row in right).values()) > 5  # or the test would prove little
    assert {1, 3, 5} == {row["after_events"] for row in right}
    assert {None, "c0", "c1", "c2", "c3"} < {row["customer_id"] for row in right}
    assert any(row["session_key"].endswith("/c3") for row in right)
    got = shop(events, day)
    assert [rounded(row) for row in got] == [rounded(row) for row in right]


@pytest.mark.parametrize("seed", range(4))
def test_no_value_knows_a_later_event(shop, seed):
    """Whatever becomes of all that happened after an event, the moments up to it stay as they were, labels apart."""
    events, rng = random_events(seed, DAY), random.Random(seed)
    before = shop(events)
    in_order = sorted((one for one in events if one["event_day"] == DAY), key=when)
    for cut in rng.sample(in_order[10:], 5):
        after = shop([other for one in events for other in (mutated(one, rng) if when(one) > when(cut) else [one])])
        assert up_to(after, cut) == up_to(before, cut) != []


def when(one: dict) -> tuple:
    return one["event_time"], one["event_id"]


def mutated(one: dict, rng: random.Random) -> list[dict]:
    """What a later event might have been: anything, none or two, at the same time or later."""
    moved = one["event_time"] + timedelta(minutes=rng.choice((0, 0, 1, 60, 300)))
    if rng.random() < 0.2 or day_of(moved) > NEXT:
        return []
    other = {
        **one, "event_time": moved, "event_day": day_of(moved), "event_type": rng.choice(("purchase", "view", "cart")),
        "price": rng.choice((999, None)), "product_id": "other", "category": "other", "country": "XX", "device": "other",
        "channel": "other", "customer_id": rng.choice(("c1", "c2", "c9")), "session_id": rng.choice(("s7", "s9", "s11", None)),
    }  # fmt: skip
    return [other, {**other, "event_id": one["event_id"] + "+"}]


def up_to(rows: list[dict], cut: dict) -> list[dict]:
    """The moments before an event's time (at that time, another session's event may come after it), without their labels."""
    return [
        {name: value for name, value in row.items() if name not in LABELS}
        for row in rows
        if row["snapshot_at"] < cut["event_time"]
    ]


def test_an_event_of_the_same_microsecond_with_a_later_id_is_later(shop):
    same = [
        event(2, at("10:00"), session_id="s", price=2, category="second"),
        event(1, at("10:00"), session_id="s", price=1, category="first"),
        event(3, at("10:00"), session_id="s", event_type="purchase", price=3),
    ]
    [row] = shop(same)
    assert (row["after_events"], row["price_last"], row["category"], row["bought"]) == (1, 1, "first", True)


def test_the_label_is_a_purchase_later_in_the_same_session(shop):
    other = visit("10:02", session_id="other", event_type="purchase")
    rows = shop(visit("10:00", "10:01", "10:05") + other)
    assert [(row["after_events"], row["bought"]) for row in rows] == [(1, False), (3, False)]
    rows = shop(visit("10:00", "10:01", "10:05") + visit("10:06", event_type="purchase") + visit("10:07", "10:08"))
    assert [(row["after_events"], row["bought"]) for row in rows] == [(1, True), (3, True)]  # after 5 it has bought
    rows = shop(visit("10:00", "10:01") + visit("10:02", event_type="purchase") + visit("10:03", "10:04"))
    assert [(row["after_events"], row["bought"]) for row in rows] == [(1, True)]


def test_without_a_session_id_a_longer_silence_than_30_minutes_ends_a_session(shop):
    quiet = visit("10:00:00", "10:30:00", "11:00:01", session_id=None) + visit(
        "10:40", session_id=None, customer_id="c2"
    )
    rows = shop(quiet)
    starts = ["c1/2024-03-05T15:00:00.000000Z", "c1/2024-03-05T16:00:01.000000Z", "c2/2024-03-05T15:40:00.000000Z"]
    assert keys(rows) == [(start, 1) for start in starts]
    assert [row["duration_seconds"] for row in rows] == [0, 0, 0]


def test_a_source_that_names_its_sessions_is_believed_however_long_they_pause(shop):
    rows = shop(visit("08:00", "12:00", "20:00"))
    assert keys(rows) == [("s", 1), ("s", 3)]
    assert (rows[1]["duration_seconds"], rows[1]["seconds_since_last_event"]) == (12 * 3600, 8 * 3600)


@pytest.mark.parametrize("session_id", ["s", None])
def test_a_session_over_midnight_is_of_the_day_of_its_first_event(shop, session_id):
    late = [{**one, "batch_date": DAY} for one in visit("00:05", "00:20", day=NEXT, session_id=session_id)]
    events = visit("23:50", session_id=session_id) + late
    rows = shop(events)
    assert [(row["after_events"], row["hour"], row["weekday"], row["end_open"]) for row in rows] == [
        (1, 23, 2, True), (3, 0, 3, True),
    ]  # fmt: skip
    rows = shop([*events, *visit("09:00", day=NEXT, session_id="t", customer_id="c2")], NEXT)
    assert keys(rows) == [("t", 1)]


def test_what_a_later_batch_brings_is_not_known(shop):
    night = visit("23:50") + visit("00:05", day=NEXT, event_type="purchase")  # of tomorrow's batch
    [row] = shop(night)
    assert (row["bought"], row["end_open"]) == (False, True)
    late = [{**one, "batch_date": NEXT} for one in visit("10:01", event_type="purchase")]
    [row] = shop(visit("10:00") + late)
    assert (row["bought"], row["end_open"]) == (False, False)


@pytest.mark.parametrize(("clock", "is_open"), [("23:29:59", False), ("23:30:00", True)])
def test_an_end_is_open_when_silence_has_not_lasted_at_midnight(shop, clock, is_open):
    assert [row["end_open"] for row in shop(visit(clock))] == [is_open]


def test_when_clocks_change_hours_are_the_shop_s_and_seconds_real(shop):
    rows = shop(visit("00:59", "01:30", "01:30*", day=AUTUMN, session_id="s"), AUTUMN)
    assert [(row["hour"], row["duration_seconds"], row["seconds_since_last_event"]) for row in rows] == [
        (0, 0, None), (1, 31 * 60 + 3600, 3600),
    ]  # fmt: skip
    rows = shop(visit("01:50", "03:10", "03:11", day=SPRING, session_id=None), SPRING)  # 20 minutes: 2 o'clock is none
    assert [(row["after_events"], row["hour"]) for row in rows] == [(1, 1), (3, 3)]
    assert rows[1]["duration_seconds"] == 21 * 60


def test_history_leaves_out_the_day_itself_and_later_batches_and_ends_after_90_days(shop):
    def bought(days_ago: int, clock: str = "09:00", **given) -> list[dict]:
        return visit(
            clock,
            day=DAY - timedelta(days=days_ago),
            session_id=f"{days_ago}-{clock}",
            event_type="purchase",
            price=10,
            **given,
        )

    now = visit("18:00")
    [row] = shop(now + bought(0) + bought(91) + bought(3, batch_date=DAY))
    assert (row["is_known_customer"], row["orders_90d"], row["days_since_event"]) == (False, 0, None)
    [row] = shop(now + bought(1) + bought(90) + visit("10:00", day=DAY - timedelta(days=28), session_id="seen"))
    assert (row["orders_90d"], row["revenue_90d"], row["days_since_purchase"]) == (2, 20, 1)
    assert (row["sessions_28d"], row["views_28d"], row["is_known_customer"]) == (2, 1, True)
    [row] = shop(now + visit("10:00", day=DAY - timedelta(days=29), session_id="seen"))
    assert (row["views_28d"], row["days_since_event"], row["days_since_purchase"]) == (0, 29, None)


@pytest.mark.parametrize("seed", range(3))
def test_history_says_what_the_snapshot_of_the_day_says(shop, warehouse, seed):
    rows = shop(random_events(seed, DAY))
    ledger(warehouse, DAY - timedelta(days=1))
    snapshot.build(warehouse, DAY)
    with warehouse.begin("score") as connection:
        query = sa.text("SELECT * FROM features.customer_snapshot WHERE as_of_date = :day")
        known = {row["customer_id"]: row for row in connection.execute(query, {"day": DAY}).mappings()}
    compared = [row for row in rows if row["is_known_customer"]]
    assert len({row["customer_id"] for row in compared}) > 3
    for row in compared:
        for name in ("orders_90d", "revenue_90d", "sessions_28d", "views_28d", "carts_28d", "days_since_event"):
            assert row[name] == known[row["customer_id"]][name], name


def test_where_nobody_is_named_the_past_is_not_known_and_a_login_starts_it(shop):
    past = visit("10:00", day=DAY - timedelta(days=2), session_id="past")
    rows = shop(past + visit("10:00", "10:01", customer_id=None) + visit("10:02"))
    assert [(row["customer_id"], row["views_28d"], row["is_known_customer"]) for row in rows] == [
        (None, None, False), ("c1", 1, True),
    ]  # fmt: skip


def test_an_id_that_customers_share_is_a_session_of_each(shop):
    shared = visit("10:00", "10:02", "10:04") + visit("10:01", "10:03", customer_id="c2")
    assert keys(shop(shared)) == [("s", 1), ("s", 3), ("s/c2", 1)]


def test_no_source_with_visits_is_no_session_and_no_partition(shop, warehouse):
    till = visit("10:00", event_type="other") + visit("10:01", event_type="purchase")
    assert shop(till) == []
    assert shop([]) == []
    with warehouse.begin() as connection:
        found = connection.execute(
            sa.text("SELECT count(*) FROM pg_inherits WHERE inhparent = 'features.session_snapshot'::regclass")
        )
        assert found.scalar_one() == 0


def test_a_second_build_replaces_the_first_and_is_audited(shop, warehouse):
    first = shop(visit("10:00", "10:01", "10:02"))
    assert shop(visit("10:00", "10:01", "10:02")) == first
    assert shop([]) == []
    with warehouse.begin() as connection:
        written = "SELECT slice, rows_deleted, rows_written FROM monitoring.write_audit ORDER BY audit_id"
        assert [tuple(row) for row in connection.execute(sa.text(written))] == [
            (str(DAY), 0, 2), (str(DAY), 2, 2), (str(DAY), 2, 0),
        ]  # fmt: skip


def test_only_if_missing_keeps_a_day_until_its_past_is_loaded_again(shop, warehouse):
    events = visit("10:00", "10:01", "10:02")
    shop(events)
    ledger(warehouse, NEXT)  # of no concern to it
    assert (kept(warehouse), writes(warehouse)) == (2, 1)
    load(warehouse, [*events, *visit("11:00", session_id="t")], DAY)
    assert (kept(warehouse), writes(warehouse)) == (3, 2)
    ledger(warehouse, DAY - timedelta(days=40))  # history looks at it
    assert (kept(warehouse), writes(warehouse)) == (3, 3)
    assert (kept(warehouse), writes(warehouse)) == (3, 3)
    sessions.build(warehouse, DAY, role="train")
    assert writes(warehouse) == 4


def test_only_if_missing_knows_a_day_without_sessions(shop, warehouse):
    assert shop(visit("10:00", event_type="purchase")) == []
    assert (kept(warehouse), writes(warehouse)) == (0, 1)
    load(warehouse, visit("10:00"), DAY)
    assert (kept(warehouse), writes(warehouse)) == (1, 2)


def test_only_if_missing_builds_a_day_whose_rows_are_gone(shop, warehouse):
    first = shop(visit("10:00"))
    with warehouse.begin() as connection:
        connection.execute(sa.text("TRUNCATE features.session_snapshot"))
    assert kept(warehouse) == 1
    assert taken(warehouse, DAY) == first


def kept(warehouse) -> int:
    return sessions.build(warehouse, DAY, role="train", only_if_missing=True)  # as a training does


def writes(warehouse) -> int:
    count = "SELECT count(*) FROM monitoring.write_audit WHERE table_name = 'features.session_snapshot'"
    with warehouse.begin() as connection:
        return connection.execute(sa.text(count)).scalar_one()


@pytest.mark.parametrize("seed", range(2))
def test_what_a_training_builds_of_a_past_day_is_what_its_night_built(shop, warehouse, seed):
    night = shop(random_events(seed, DAY))
    for day in (NEXT, NEXT + timedelta(days=1)):
        ledger(warehouse, day)
    with warehouse.begin() as connection:  # no partition, no audit: as of a day before the platform was there
        connection.execute(sa.text("DROP TABLE features.session_snapshot_20240305"))
        connection.execute(sa.text("TRUNCATE monitoring.write_audit"))
    assert kept(warehouse) == len(night)
    assert taken(warehouse, DAY) == night


def test_a_day_whose_batch_is_missing_is_not_ready(shop, warehouse):
    shop(visit("10:00"))
    with pytest.raises(NotReadyError, match="source till has no batch for 2024-03-06"):
        sessions.build(warehouse, NEXT)


def test_duckdb_reads_the_same_definition(warehouse):
    """A live session may be looked at without PostgreSQL."""
    given = ("event_type", "product_id", "quantity", "price", "category", "country", "device", "channel", "customer_id")
    kinds = {
        **dict.fromkeys(("session_number", "event_number", "local_hour", "local_weekday"), "bigint"),
        **dict.fromkeys(("source", "session_key", *given), "text"),
        **dict.fromkeys(("quantity", "price"), "numeric(18, 4)"),
        "event_time": "timestamp",
    }
    numbered = enumerate([one for one in random_events(3, DAY) if one["event_type"] != "purchase"][2:9], start=1)
    rows = [
        dict.fromkeys(kinds, "1")
        | {name: one[name] for name in given}
        | {"event_number": n, "event_time": datetime(2024, 3, 5, 12, n)}
        for n, one in numbered
    ]
    text = f"SELECT * FROM ({sql_text('features/session_features').text}) AS f ORDER BY after_events"
    results = []
    with warehouse.begin("score") as connection:
        cursor = connection.connection.cursor()
        for engine, mark in ((duckdb.connect(), "?"), (cursor, "%s")):
            columns = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
            engine.execute(f"CREATE TEMPORARY TABLE session_events ({columns})")
            engine.execute("CREATE TEMPORARY TABLE session_moments AS SELECT unnest(ARRAY[1, 3, 5, 9]) AS after_events")
            engine.executemany(
                f"INSERT INTO session_events VALUES ({', '.join([mark] * len(kinds))})",
                [[*row.values()] for row in rows],
            )
            engine.execute(text)
            names = [column[0] for column in engine.description]
            results.append([rounded(dict(zip(names, row, strict=True))) for row in engine.fetchall()])
    assert results[0] == results[1]
    assert [row["after_events"] for row in results[0]] == [1, 3, 5]


def test_retention_and_erasure_reach_it(shop, warehouse):
    shop(visit("10:00") + visit("10:00", session_id=None, customer_id="c2"))
    maintenance.erase_customer(warehouse, "c2", dry_run=False)
    assert keys(taken(warehouse, DAY)) == [("s", 1)]
    kept = DAY + timedelta(days=401)  # a partition goes when its whole day is older than 400 days
    partition = "features.session_snapshot_20240305"
    assert partition not in maintenance.apply_retention(warehouse, kept - timedelta(days=1))["partitions"]
    assert partition in maintenance.apply_retention(warehouse, kept, dry_run=False)["partitions"]
    assert taken(warehouse, DAY) == []


def test_the_settings_decide_the_moments_and_the_silence(shop, tmp_path):
    path = tmp_path / "config" / "targets.yaml"
    targets = yaml.safe_load(path.read_text())
    targets["sessions"] = {"silence_minutes": 5, "after_events": [2]}
    path.write_text(yaml.safe_dump(targets))
    rows = shop(visit("10:00", "10:05", "10:11", "10:12", "10:20", session_id=None))
    assert [row["session_key"][-16:] for row in rows] == ["15:00:00.000000Z", "15:11:00.000000Z"]
    assert {row["after_events"] for row in rows} == {2}
