"""Session snapshots: against an oracle on random visits, blind to later events, and edge by edge."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, datetime, timedelta

import duckdb
import pytest
import sqlalchemy as sa
import yaml

from customer_behavior.features import snapshot
from customer_behavior.settings import Target, load_settings
from customer_behavior.targets.dataset import read_rows
from customer_behavior.warehouse import sql_text
from support.visited_shop import DAY, NEXT, at, keys, ledger, rounded, visit
from support.visits import LABELS, MAX_EVENTS, MAX_ORDERS, STAFF, day_of, event, expected, random_events

SPRING, AUTUMN = date(2024, 3, 10), date(2024, 11, 3)  # 23 and 25 hours


@pytest.mark.parametrize("day", [DAY, SPRING, AUTUMN])
@pytest.mark.parametrize("seed", range(6))
def test_random_visits_are_as_the_oracle_says(visited_shop, seed, day):
    events = random_events(seed, day)
    right = expected(events, day)
    assert min(Counter(row["bought"] for row in right).values()) > 5  # or the test would prove little
    assert {1, 3, 5} == {row["after_events"] for row in right}
    assert {None, "c0", "c1", "c2", "c3"} < {row["customer_id"] for row in right}
    assert any(row["session_key"].endswith("/c3") for row in right)
    assert {None, "staff"} <= {row["flagged"] for row in right if row["customer_id"]} <= {None, "staff", "bot"}
    got = visited_shop(events, day)
    assert [rounded(row) for row in got] == [rounded(row) for row in right]


@pytest.mark.parametrize("seed", range(4))
def test_no_value_knows_a_later_event(visited_shop, seed):
    """Whatever becomes of all that happened after an event, the moments up to it stay as they were, labels apart."""
    events, rng = random_events(seed, DAY), random.Random(seed)
    before = visited_shop(events)
    in_order = sorted((one for one in events if one["event_day"] == DAY), key=when)
    for cut in rng.sample(in_order[10:], 5):
        after = visited_shop(
            [other for one in events for other in (mutated(one, rng) if when(one) > when(cut) else [one])]
        )
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


def test_an_event_of_the_same_microsecond_with_a_later_id_is_later(visited_shop):
    same = [
        event(2, at("10:00"), session_id="s", price=2, category="second"),
        event(1, at("10:00"), session_id="s", price=1, category="first"),
        event(3, at("10:00"), session_id="s", event_type="purchase", price=3),
    ]
    [row] = visited_shop(same)
    assert (row["after_events"], row["price_last"], row["category"], row["bought"]) == (1, 1, "first", True)


def test_the_label_is_a_purchase_later_in_the_same_session(visited_shop):
    other = visit("10:02", session_id="other", event_type="purchase")
    rows = visited_shop(visit("10:00", "10:01", "10:05") + other)
    assert [(row["after_events"], row["bought"]) for row in rows] == [(1, False), (3, False)]
    rows = visited_shop(
        visit("10:00", "10:01", "10:05") + visit("10:06", event_type="purchase") + visit("10:07", "10:08")
    )
    assert [(row["after_events"], row["bought"]) for row in rows] == [(1, True), (3, True)]  # after 5 it has bought
    rows = visited_shop(visit("10:00", "10:01") + visit("10:02", event_type="purchase") + visit("10:03", "10:04"))
    assert [(row["after_events"], row["bought"]) for row in rows] == [(1, True)]


def test_without_a_session_id_a_longer_silence_than_30_minutes_ends_a_session(visited_shop):
    quiet = visit("10:00:00", "10:30:00", "11:00:01", session_id=None) + visit(
        "10:40", session_id=None, customer_id="c2"
    )
    rows = visited_shop(quiet)
    starts = ["c1/2024-03-05T15:00:00.000000Z", "c1/2024-03-05T16:00:01.000000Z", "c2/2024-03-05T15:40:00.000000Z"]
    assert keys(rows) == [(start, 1) for start in starts]
    assert [row["duration_seconds"] for row in rows] == [0, 0, 0]


def test_a_source_that_names_its_sessions_is_believed_however_long_they_pause(visited_shop):
    rows = visited_shop(visit("08:00", "12:00", "20:00"))
    assert keys(rows) == [("s", 1), ("s", 3)]
    assert (rows[1]["duration_seconds"], rows[1]["seconds_since_last_event"]) == (12 * 3600, 8 * 3600)


@pytest.mark.parametrize("session_id", ["s", None])
def test_a_session_over_midnight_is_of_the_day_of_its_first_event(visited_shop, session_id):
    late = [{**one, "batch_date": DAY} for one in visit("00:05", "00:20", day=NEXT, session_id=session_id)]
    events = visit("23:50", session_id=session_id) + late
    rows = visited_shop(events)
    assert [(row["after_events"], row["hour"], row["weekday"], row["end_open"]) for row in rows] == [
        (1, 23, 2, True), (3, 0, 3, True),
    ]  # fmt: skip
    rows = visited_shop([*events, *visit("09:00", day=NEXT, session_id="t", customer_id="c2")], NEXT)
    assert keys(rows) == [("t", 1)]


def test_what_a_later_batch_brings_is_not_known(visited_shop):
    night = visit("23:50") + visit("00:05", day=NEXT, event_type="purchase")  # of tomorrow's batch
    [row] = visited_shop(night)
    assert (row["bought"], row["end_open"]) == (False, True)
    late = [{**one, "batch_date": NEXT} for one in visit("10:01", event_type="purchase")]
    [row] = visited_shop(visit("10:00") + late)
    assert (row["bought"], row["end_open"]) == (False, False)


@pytest.mark.parametrize(("clock", "is_open"), [("23:29:59", False), ("23:30:00", True)])
def test_an_end_is_open_when_silence_has_not_lasted_at_midnight(visited_shop, clock, is_open):
    assert [row["end_open"] for row in visited_shop(visit(clock))] == [is_open]


def test_when_clocks_change_hours_are_the_shop_s_and_seconds_real(visited_shop):
    rows = visited_shop(visit("00:59", "01:30", "01:30*", day=AUTUMN, session_id="s"), AUTUMN)
    assert [(row["hour"], row["duration_seconds"], row["seconds_since_last_event"]) for row in rows] == [
        (0, 0, None), (1, 31 * 60 + 3600, 3600),
    ]  # fmt: skip
    rows = visited_shop(
        visit("01:50", "03:10", "03:11", day=SPRING, session_id=None), SPRING
    )  # 20 minutes: 2 o'clock is none
    assert [(row["after_events"], row["hour"]) for row in rows] == [(1, 1), (3, 3)]
    assert rows[1]["duration_seconds"] == 21 * 60


def busy(events: int, days_ago: int = 1, **given) -> list[dict]:
    """Events of c1 on a day before, each in a session of its own."""
    day = DAY - timedelta(days=days_ago)
    return [
        one
        for n in range(events)
        for one in visit(f"09:{n:02d}", day=day, session_id=f"{given.get('source')}-{n}", **given)
    ]


@pytest.mark.parametrize(
    ("before", "flagged"),
    [
        (busy(MAX_EVENTS), None),
        (busy(MAX_EVENTS + 1), "bot"),
        (busy(MAX_EVENTS + 1, days_ago=90), "bot"),
        (busy(MAX_EVENTS + 1, days_ago=91), None),
        (busy(MAX_EVENTS + 1, days_ago=0), None),
        (busy(MAX_EVENTS + 1, batch_date=DAY), None),
        (busy(MAX_EVENTS) + busy(MAX_EVENTS, days_ago=2), None),
        (busy(MAX_EVENTS) + busy(1, source="app"), "bot"),
        (busy(MAX_ORDERS, event_type="purchase"), None),
        (busy(MAX_ORDERS + 1, event_type="purchase"), "bot"),
        (busy(MAX_EVENTS + 1, customer_id="c2"), None),
    ],
)
def test_a_bot_is_who_did_more_on_a_day_before_than_people_do(visited_shop, before, flagged):
    rows = visited_shop(visit("18:00", session_id="now") + before)
    assert [row["flagged"] for row in rows if row["session_key"] == "now"] == [flagged]


def test_staff_are_marked_from_the_event_that_names_them(visited_shop):
    rows = visited_shop(visit("18:00", customer_id=None) + visit("18:01", "18:02", customer_id=STAFF[0]))
    assert [(row["after_events"], row["flagged"]) for row in rows] == [(1, None), (3, "staff")]


def test_history_leaves_out_the_day_itself_and_later_batches_and_ends_after_90_days(visited_shop):
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
    [row] = visited_shop(now + bought(0) + bought(91) + bought(3, batch_date=DAY))
    assert (row["is_known_customer"], row["orders_90d"], row["days_since_event"]) == (False, 0, None)
    [row] = visited_shop(now + bought(1) + bought(90) + visit("10:00", day=DAY - timedelta(days=28), session_id="seen"))
    assert (row["orders_90d"], row["revenue_90d"], row["days_since_purchase"]) == (2, 20, 1)
    assert (row["sessions_28d"], row["views_28d"], row["is_known_customer"]) == (2, 1, True)
    [row] = visited_shop(now + visit("10:00", day=DAY - timedelta(days=29), session_id="seen"))
    assert (row["views_28d"], row["days_since_event"], row["days_since_purchase"]) == (0, 29, None)


@pytest.mark.parametrize("seed", range(3))
def test_history_says_what_the_snapshot_of_the_day_says(visited_shop, warehouse, seed):
    rows = visited_shop(random_events(seed, DAY))
    ledger(warehouse, DAY - timedelta(days=1))
    snapshot.build(warehouse, load_settings(), DAY)
    with warehouse.begin("score") as connection:
        query = sa.text("SELECT * FROM features.customer_snapshot WHERE as_of_date = :day")
        known = {row["customer_id"]: row for row in connection.execute(query, {"day": DAY}).mappings()}
    compared = [row for row in rows if row["is_known_customer"]]
    assert len({row["customer_id"] for row in compared}) > 3
    for row in compared:
        for name in ("orders_90d", "revenue_90d", "sessions_28d", "views_28d", "carts_28d", "days_since_event"):
            assert row[name] == known[row["customer_id"]][name], name


def test_where_nobody_is_named_the_past_is_not_known_and_a_login_starts_it(visited_shop):
    past = visit("10:00", day=DAY - timedelta(days=2), session_id="past")
    rows = visited_shop(past + visit("10:00", "10:01", customer_id=None) + visit("10:02"))
    assert [(row["customer_id"], row["views_28d"], row["is_known_customer"]) for row in rows] == [
        (None, None, False), ("c1", 1, True),
    ]  # fmt: skip


def test_rows_of_a_visit_that_logs_in_on_the_way_are_of_one_customer(visited_shop, warehouse):
    visited_shop(
        visit("10:00", "10:01", customer_id=None)
        + visit("10:02")
        + visit("11:00", "11:01", "11:02", customer_id=None, session_id="nobody")
    )
    target = Target.model_validate({"meaning": "ends in a purchase", "entity": "session", "horizons": [1]})
    with warehouse.begin("train") as connection:
        rows = read_rows(connection, target, 1, DAY, DAY, load_settings().model_features("session"))
    found = zip(rows["customer_id"], rows["after_events"], strict=True)
    assert list(found) == [("nobody", 1), ("nobody", 3), ("c1", 1), ("c1", 3)]


def test_an_id_that_customers_share_is_a_session_of_each(visited_shop):
    shared = visit("10:00", "10:02", "10:04") + visit("10:01", "10:03", customer_id="c2")
    assert keys(visited_shop(shared)) == [("s", 1), ("s", 3), ("s/c2", 1)]


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


def test_the_settings_decide_the_moments_and_the_silence(visited_shop, tmp_path):
    path = tmp_path / "config" / "targets.yaml"
    targets = yaml.safe_load(path.read_text())
    targets["sessions"] = {"silence_minutes": 5, "after_events": [2]}
    path.write_text(yaml.safe_dump(targets))
    rows = visited_shop(visit("10:00", "10:05", "10:11", "10:12", "10:20", session_id=None))
    assert [row["session_key"][-16:] for row in rows] == ["15:00:00.000000Z", "15:11:00.000000Z"]
    assert {row["after_events"] for row in rows} == {2}
