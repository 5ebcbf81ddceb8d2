"""The rules that docs/architecture.md gives of a batch, each through a run of `ingest_events`.

One Airflow serves it and test_landed_files.py; every test has a warehouse of its own.
Two runs of one date at the same moment need a scheduler:
tests/stack/test_chain.py has them (`test_two_runs_of_a_date_at_the_same_moment_leave_what_one_leaves`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from customer_behavior.features import snapshot
from customer_behavior.paths import REPO_DIR
from customer_behavior.settings import load_settings
from customer_behavior.stages.ingest_events import ingest
from support import small_shop
from support.dag_shop import DagShop
from support.small_shop import line

ONE_DAY = timedelta(days=1)
ONE, TWO, THREE, FOUR = (date(2024, 3, n) for n in (5, 6, 7, 8))
LEDGER = "SELECT batch_date, status, rows_read, rows_accepted, rows_rejected, rows_duplicate FROM raw.ingest_batches ORDER BY 1"
KNOWN = (
    "SELECT to_jsonb(rollup) - 'superseded_on' FROM features.customer_day AS rollup"
    " WHERE batch_date < '{0}' AND (superseded_on IS NULL OR superseded_on >= '{0}') ORDER BY customer_id, event_day, source"
)
SNAPSHOT = "SELECT s::text FROM features.customer_snapshot AS s WHERE as_of_date = '{}' ORDER BY 1"


def at(day: date, time: str = "10:00:00") -> str:
    return f"{day} {time}"


# --- a batch is the unit -------------------------------------------------------------------------------------------


def test_a_batch_loaded_again_is_replaced_and_no_byte_of_another_changes(shop):
    other = {**small_shop.SOURCE_FILE, "path": "web/{date}.csv"}
    (shop.folder / "sources" / "web.yaml").write_text(yaml.safe_dump(other))
    for day in (ONE, TWO, THREE):
        late = line(at(ONE, "09:00:00"), item=f"late in {day}")
        path = shop.land(day, [line(at(day)), line(at(day), "c2", item="tea"), late, "bad"])
        path.rename(path.with_suffix(".kept"))
        web = shop.land(day, [line(at(day), "c1", "w1", "milk"), "worse"])
        (shop.landing / "web").mkdir(exist_ok=True)
        web.rename(shop.landing / "web" / path.name)
        path.with_suffix(".kept").rename(path)
        shop.landed[day] = 4
    ingest(shop.warehouse, "web", ONE, THREE)
    shop.load(ONE, TWO, THREE)
    others = f"NOT (source = 'till' AND batch_date = '{TWO}')"
    rollup = "features.customer_day"  # where the later versions of a day hold what the batch said of it
    before = {name: rows for name, rows in shop.bytes_of(others).items() if name != rollup}
    assert all(before[name] for name in before if name != "raw.duplicate_events")
    web = shop.bytes_of("source = 'web'")[rollup]
    as_before = shop.query(KNOWN.format(TWO))

    shop.land(TWO, [line(at(TWO), item="wine", units=3), line(at(ONE), "c9", item="late too"), "also bad", "and this"])
    shop.load(TWO)
    assert {name: rows for name, rows in shop.bytes_of(others).items() if name != rollup} == before
    assert shop.bytes_of("source = 'web'")[rollup] == web
    assert shop.query(KNOWN.format(TWO)) == as_before
    own = f"WHERE source = 'till' AND batch_date = '{TWO}' ORDER BY 1"
    assert shop.query(f"SELECT product_id, event_day, customer_id FROM raw.events {own}") == [
        ("late too", ONE, "c9"),
        ("wine", TWO, "c1"),
    ]
    assert shop.query(f"SELECT customer_id, event_day, units FROM features.customer_day {own}") == [
        ("c1", TWO, 3),
        ("c9", ONE, 1),
    ]
    assert shop.query(f"SELECT raw_text FROM raw.rejected_events {own}") == [("also bad",), ("and this",)]


def test_a_batch_loaded_twice_is_as_loaded_once(shop):
    shop.land(ONE, [line(at(ONE)), line(at(ONE)), line(at(ONE), units=-1), "bad"])
    shop.load(ONE)
    once = shop.tables()
    shop.load(ONE)
    assert shop.tables() == once


def test_a_row_in_two_batches_is_one_event_of_the_earlier_whatever_the_order(open_shop):
    tables = []
    for order in ((ONE, TWO), (TWO, ONE), (TWO, ONE, TWO), (ONE, TWO, ONE)):
        shop = open_shop()
        again = line(at(ONE, "20:00:00"), "c1", "b9", "tea", units=2, price="3")
        shop.land(ONE, [line(at(ONE)), again])
        shop.land(TWO, [again, line(at(TWO), "c2")])
        shop.load(*order)
        assert shop.query(LEDGER) == [(ONE, "loaded", 2, 2, 0, 0), (TWO, "loaded", 2, 1, 0, 1)], order
        assert shop.query("SELECT batch_date FROM raw.events WHERE product_id = 'tea'") == [(ONE,)]
        assert shop.query("SELECT batch_date FROM raw.duplicate_events WHERE product_id = 'tea'") == [(TWO,)]
        assert shop.query("SELECT batch_date, customer_id, units, revenue FROM features.customer_day ORDER BY 1") == [
            (ONE, "c1", 1 + 2, 2.5 + 2 * 3),
            (TWO, "c2", 1, 2.5),
        ]
        tables.append(shop.tables())
    assert tables[1:] == tables[:1] * 3


def test_identical_lines_of_a_basket_are_two_events(shop):
    shop.land(ONE, [line(at(ONE)), line(at(ONE)), line(at(ONE), basket="b2")])
    shop.land(TWO, [line(at(ONE))])  # one of the two, delivered again: nothing new
    shop.load(ONE, TWO)
    assert shop.query(LEDGER) == [(ONE, "loaded", 3, 3, 0, 0), (TWO, "loaded", 1, 0, 0, 1)]
    assert shop.query("SELECT order_id, count(*), count(DISTINCT event_id) FROM raw.events GROUP BY 1 ORDER BY 1") == [
        ("b1", 2, 2),
        ("b2", 1, 1),
    ]
    assert shop.query("SELECT orders, purchase_lines, units, revenue FROM features.customer_day") == [(2, 3, 3, 7.5)]


def test_missed_nights_are_caught_up_in_any_order(open_shop):
    days = (ONE, TWO, THREE, FOUR)

    def caught_up(*loads: Callable[[DagShop], None]) -> dict[str, list[str]]:
        shop = open_shop()
        for day in days:
            again = line(at(THREE if day == FOUR else ONE, "08:00:00"), "c7", "b7", "tea")
            late = line(at(day - ONE_DAY, "22:00:00"), f"c{day.day}", item="late")
            shop.land(day, [line(at(day)), again, again, late, line(at(day), customer=""), "bad"])
        for load in loads:
            load(shop)
        assert [row[0] for row in shop.query(LEDGER)] == list(days)
        return shop.tables()

    def night(day: date) -> Callable[[DagShop], None]:
        return lambda shop: shop.load(day)

    def history(shop: DagShop) -> None:
        run = shop.run(ONE, "load_history", source="till", from_date=str(ONE), to_date=str(FOUR))
        assert run.state == "success", run.log[-6000:]

    in_time = caught_up(*map(night, days))
    assert in_time["raw.duplicate_events"]
    assert caught_up(*map(night, (FOUR, TWO, ONE, THREE))) == in_time
    assert caught_up(*map(night, (ONE, FOUR, THREE, TWO))) == in_time
    assert caught_up(night(THREE), history) == in_time


# --- what is known when ----------------------------------------------------------------------------------------------


def test_a_late_row_reaches_the_rollup_and_no_snapshot_that_came_before_it(shop):
    shop.land(ONE, [line(at(ONE)), line(at(ONE), "c2")])
    shop.land(TWO, [line(at(TWO), "c2"), line(at(ONE, "21:00:00"), "c1", "b5", "wine", units=4, price="9")])
    shop.load(ONE)
    rollup = shop.query(KNOWN.format(TWO))
    assert snapshot.build(shop.warehouse, load_settings(), TWO) == 2
    taken = shop.query(SNAPSHOT.format(TWO))
    assert len(taken) == 2

    shop.load(TWO)
    assert shop.query(KNOWN.format(TWO)) == rollup
    added = f"SELECT customer_id, event_day, units, revenue FROM features.customer_day WHERE batch_date = '{TWO}' ORDER BY 1"
    assert shop.query(added) == [("c1", ONE, 5, 38.5), ("c2", TWO, 1, 2.5)]

    written = "SELECT count(*) FROM monitoring.write_audit WHERE table_name = 'features.customer_snapshot'"
    snapshot.build(shop.warehouse, load_settings(), TWO, only_if_missing=True)
    assert shop.query(written) == [(1,)], "the snapshot was current and has been kept"
    assert shop.query(SNAPSHOT.format(TWO)) == taken
    snapshot.build(shop.warehouse, load_settings(), TWO)
    assert shop.query(written) == [(2,)]
    assert shop.query(SNAPSHOT.format(TWO)) == taken
    snapshot.build(shop.warehouse, load_settings(), THREE)
    seen = "SELECT as_of_date, revenue_7d FROM features.customer_snapshot WHERE customer_id = 'c1' ORDER BY 1"
    assert shop.query(seen) == [(TWO, 2.5), (THREE, 2.5 + 36)]


def test_an_event_outside_the_days_of_its_batch_is_a_reject(shop):
    shop.configure(max_lateness_days=2, reject_limit=1)
    first, last = ONE - 2 * ONE_DAY, ONE + ONE_DAY
    inside = [at(first, "00:00:00"), at(last, "23:59:59"), f"{last + ONE_DAY}T04:59:59Z", f"{first}T05:00:00Z"]
    outside = [
        at(first - ONE_DAY, "23:59:59"),
        at(last + ONE_DAY, "00:00:00"),
        f"{last + ONE_DAY}T05:00:00Z",
        f"{first}T04:59:59Z",
    ]
    shop.land(ONE, [line(stamp, item=stamp) for stamp in inside + outside])
    shop.load(ONE)
    assert sorted(row[0] for row in shop.query("SELECT product_id FROM raw.events")) == sorted(inside)
    refused = shop.query("SELECT line, reason FROM raw.rejected_events ORDER BY 1")
    assert refused == [(2 + len(inside) + n, "time_outside_batch") for n in range(len(outside))]
    [(said,)] = shop.query("SELECT DISTINCT split_part(detail, ': ', 2) FROM raw.rejected_events")
    assert said.startswith(f"outside {first} to {last}")


# --- whose event, and which ------------------------------------------------------------------------------------------


def test_events_without_a_customer_are_kept_and_never_scored(shop):
    shop.land(ONE, [line(at(ONE), "c1"), line(at(ONE), "", "s1", type="view"), line(at(ONE), "  ", "s2", "tea")])
    shop.load(ONE)
    assert shop.query("SELECT customer_id, session_id, product_id FROM raw.events ORDER BY session_id") == [
        ("c1", "b1", "milk"),
        (None, "s1", "milk"),
        (None, "s2", "tea"),
    ]
    assert shop.query("SELECT customer_id, events FROM features.customer_day") == [("c1", 1)]
    assert snapshot.build(shop.warehouse, load_settings(), TWO) == 1  # what scoring reads
    assert shop.query("SELECT customer_id FROM features.customer_snapshot") == [("c1",)]


def test_an_event_with_neither_customer_nor_session_is_kept_and_counted(shop):
    shop.land(ONE, [line(at(ONE)), line(at(ONE), "", "")])
    shop.load(ONE)
    assert shop.query("SELECT rows_accepted, rows_rejected, rows_nobody FROM raw.ingest_batches") == [(2, 0, 1)]
    assert shop.query("SELECT customer_id, events FROM features.customer_day") == [("c1", 1)]


def test_a_negative_quantity_is_a_return_if_the_source_says_so(open_shop):
    sold, back = line(at(ONE), units=3, price="2"), line(at(ONE), "c1", "b2", units=-2, price="2")
    shop = open_shop()
    shop.land(ONE, [sold, back])
    shop.load(ONE)
    assert shop.query("SELECT event_type, quantity, price FROM raw.events ORDER BY 1") == [
        ("purchase", 3, 2),
        ("return", 2, 2),
    ]
    assert shop.query("SELECT orders, units, revenue, return_lines, returned_value FROM features.customer_day") == [
        (1, 3, 6, 1, 4)
    ]
    strict = open_shop()
    strict.configure(rules={})
    strict.land(ONE, [sold, back])
    strict.load(ONE)
    assert strict.query("SELECT event_type, quantity FROM raw.events") == [("purchase", 3)]
    assert strict.query("SELECT line, reason FROM raw.rejected_events") == [(3, "quantity_negative")]


# --- files that are missing, or not as agreed ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "source", [{"on_missing": "fail"}, {"on_missing": "calendar", "calendar": {"closed": ["12-25", str(TWO)]}}]
)
def test_a_missing_file_fails_a_run_by_hand_at_once_naming_the_date(shop, source):
    shop.configure(**source)
    log = shop.fail(ONE, "wait_for_files[-1]")
    assert f"NotReadyError: till {ONE}: no file at {shop.landing}/till/{ONE}.csv; land it, or set on_missing" in log
    assert "looking again" not in log
    assert shop.query(LEDGER) == []


def test_a_day_before_a_source_was_switched_on_is_loaded_of_the_others_alone(shop):
    from airflow.sdk.exceptions import AirflowSkipException

    from customer_behavior_airflow.checks import skip_before_its_first

    config = shop.folder / "config" / "shop.yaml"
    settings = yaml.safe_load(config.read_text())
    config.write_text(yaml.safe_dump({**settings, "sources": ["web", "till"]}))
    other = {**small_shop.SOURCE_FILE, "path": "web/{date}.csv"}
    (shop.folder / "sources" / "web.yaml").write_text(yaml.safe_dump(other))
    for day in (ONE, TWO, THREE):
        shop.land(day, [line(at(day))])
    (shop.landing / "web").mkdir()
    (shop.landing / "web" / f"{TWO}.csv").write_text((shop.landing / "till" / f"{TWO}.csv").read_text())
    assert "web 2024-03-05: no file at" in shop.fail(ONE, "wait_for_files[-1]")  # nothing says yet that it begins later
    ingest(shop.warehouse, "web", TWO, TWO)

    run = shop.run(ONE)
    assert run.state == "success", run.log[-6000:]
    with pytest.raises(AirflowSkipException, match=f"source web has no file for {ONE}; it begins with {TWO}"):
        skip_before_its_first(
            shop.warehouse, "web", ONE
        )  # as its task does; this Airflow's DAG was made of the till alone
    for source, day in (("web", TWO), ("web", THREE), ("till", ONE)):
        skip_before_its_first(shop.warehouse, source, day)
    shop.load(TWO)
    assert "web 2024-03-07: no file at" in shop.fail(
        THREE, "wait_for_files[-1]"
    )  # from its first day on it is asked for
    assert shop.query("SELECT source, batch_date FROM raw.ingest_batches ORDER BY 2, 1") == [
        ("till", ONE),
        ("till", TWO),
        ("web", TWO),
    ]


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ({"on_missing": "empty"}, "empty"),
        ({"on_missing": "calendar", "calendar": {"closed": [str(ONE)]}}, "closed"),
        ({"on_missing": "calendar", "calendar": {"closed": [f"{ONE:%m-%d}"]}}, "closed"),
    ],
)
def test_a_missing_file_that_the_source_allows_is_a_row_of_the_ledger(shop, source, status):
    shop.configure(**source)
    shop.load(ONE)
    assert shop.query(LEDGER) == [(ONE, status, 0, 0, 0, 0)]
    shop.land(ONE, [line(at(ONE))])  # it came after all
    shop.load(ONE)
    assert shop.query(LEDGER) == [(ONE, "loaded", 1, 1, 0, 0)]


def with_columns(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Rewrite a file's lines, each as its fields."""
    path.write_text("".join(",".join(change(text.split(","))) + "\n" for text in path.read_text().splitlines()))


def test_columns_that_nobody_mapped_are_ignored(open_shop):
    lines = [line(at(ONE)), line(at(ONE), "c2", units=-1), line(at(ONE), price="cheap")]
    plain, wide = open_shop(), open_shop()
    for shop in (plain, wide):
        shop.land(ONE, lines)
    with_columns(wide.landing / "till" / f"{ONE}.csv", lambda fields: ["new", *fields[:4], "=1+1", *fields[4:][::-1]])
    plain.load(ONE)
    wide.load(ONE)
    for name in ("raw.events", "features.customer_day", "raw.ingest_batches"):
        assert wide.tables()[name] == plain.tables()[name]
    assert wide.query("SELECT customer_id, product_id, price, discount FROM raw.events ORDER BY 1") == [
        ("c1", "milk", 2.5, 0),
        ("c2", "milk", 2.5, 0),
    ]


def test_a_mapped_column_that_is_missing_fails_and_is_named(shop):
    shop.land(ONE, [line(at(ONE))])
    shop.load(ONE)
    before = shop.bytes_of()
    path = shop.land(ONE, [line(at(ONE), item="tea")])
    with_columns(
        path, lambda fields: [field for n, field in enumerate(fields) if n != small_shop.HEADER.index("price")]
    )
    log = shop.fail(ONE, "load_batch[0]")
    said = f"BadInputError: till/{ONE}.csv: column 'price', mapped to price in include/sources/till.yaml, is not in the file"
    assert said in log
    assert "its columns are time, type, customer, basket, item, group, units, off" in log
    assert shop.bytes_of() == before


def test_a_batch_over_its_reject_limit_fails_and_the_tables_keep_what_they_had(shop):
    shop.configure(reject_limit=0.25)
    good = [line(at(ONE)), line(at(ONE), "c2"), line(at(ONE), "c3")]
    shop.land(ONE, [*good, "bad"])  # a quarter: at the limit
    shop.load(ONE)
    before = shop.bytes_of()
    shop.land(ONE, [*good, "bad", "worse"])
    log = shop.fail(ONE, "load_batch[0]")
    assert f"BadInputError: till {ONE}: 2 of 5 rows refused, more than the reject_limit of 25.0%" in log
    assert "nothing of it was loaded, the tables keep what they had" in log
    assert shop.bytes_of() == before


def test_rejects_become_events_when_replayed_after_the_mapping_is_corrected(shop):
    shop.land(ONE, [line(at(ONE)), line(at(ONE), "c2", type="Kauf"), line(at(ONE), price="cheap")])
    shop.land(TWO, [line(at(TWO))])
    shop.configure(reject_limit=0.7)
    shop.load(ONE, TWO)
    assert shop.query("SELECT line, reason FROM raw.rejected_events ORDER BY 1") == [
        (3, "type_unknown"),
        (4, "number_unreadable"),
    ]
    untouched = shop.bytes_of(f"batch_date = '{TWO}'")

    shop.configure(reject_limit=0.7, event_types={"Kauf": "purchase"})
    command = [sys.executable, "-m", "customer_behavior", "replay-rejects", "--source", "till"]
    done = subprocess.run(
        [*command, "--from", str(ONE), "--to", str(FOUR), "--reason", "type_unknown"],
        env=os.environ | shop.environment | {"WAREHOUSE_URL": shop.url, "PYTHONPATH": str(REPO_DIR / "include")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == f"{ONE}: 1 rejects before, 0 after\n"
    assert shop.query("SELECT line, reason FROM raw.rejected_events") == [(4, "number_unreadable")]
    assert shop.query(LEDGER) == [(ONE, "loaded", 3, 2, 1, 0), (TWO, "loaded", 1, 1, 0, 0)]
    assert shop.query(
        f"SELECT customer_id, purchase_lines FROM features.customer_day WHERE event_day = '{ONE}' ORDER BY 1"
    ) == [
        ("c1", 1),
        ("c2", 1),
    ]
    assert shop.bytes_of(f"batch_date = '{TWO}'") == untouched
    replayed = shop.tables()
    shop.load(ONE)  # the run of the night does the same
    assert shop.tables() == replayed
