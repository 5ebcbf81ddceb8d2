"""Batches: each replaces itself alone, every row is accounted for, an event has one owner whatever the order of loading."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest

from customer_behavior.errors import BadInputError, ConfigurationError, NotReadyError
from customer_behavior.ingest import blocks, staging
from customer_behavior.readiness import missing_batches, require_history, require_ready
from support import small_shop
from support.small_shop import line

ONE, TWO, THREE = (date(2024, 3, n) for n in (5, 6, 7))
LEDGER = (
    "SELECT batch_date, status, rows_read, rows_accepted, rows_rejected, rows_duplicate, event_days"
    " FROM raw.ingest_batches ORDER BY batch_date"
)
EVENTS = (
    "SELECT event_id, batch_date, event_day, event_type, customer_id, quantity, price FROM raw.events ORDER BY 1, 2"
)
ROLLUP = "SELECT * FROM features.customer_day ORDER BY 1, 2, 3, 4"
REJECTS = "SELECT batch_date, file, line, reason, raw_text FROM raw.rejected_events ORDER BY 1, 2, 3"
TABLES = (LEDGER, EVENTS, ROLLUP, REJECTS)


def at(day: date, hour: int = 10) -> str:
    return f"{day} {hour}:00:00"


def test_a_batch_fills_events_rejects_ledger_and_rollup(landing, load, query):
    small_shop.land(
        landing, ONE,
        [line(at(ONE), units=2, price="2.50", off="0.50"), line(at(ONE), item="bread", price="3", units=1, group="bakery"),
         line(at(ONE, 18), basket="b2", price="1"), line(at(ONE), type="view", customer="c2", basket="s9"),
         line(at(ONE), customer="c2", units=-1, price="4"), "broken,line", line(at(ONE), customer="", basket="s1")],
    )  # fmt: skip
    summary = load(ONE)
    assert summary == {"source": "till", "batches": 1, "rows_read": 7, "rows_rejected": 1, "files_passed_over": []}
    assert query(LEDGER) == [(ONE, "loaded", 7, 6, 1, 0, [ONE])]
    assert query(REJECTS) == [(ONE, f"till/{ONE}.csv", 7, "column_count", "broken,line")]
    rollup = query(
        "SELECT customer_id, events, views, purchase_lines, orders, return_lines, sessions, units, revenue, discount,"
        " returned_value, products, categories, max_price_paid, purchase_hours FROM features.customer_day ORDER BY 1"
    )
    assert rollup == [
        ("c1", 3, 0, 3, 2, 0, 2, 4, 9, 1, 0, 2, 2, 3, [10, 18]),
        ("c2", 2, 1, 0, 0, 1, 2, 0, 0, 0, 4, 0, 0, None, None),
    ]


def test_loading_again_replaces_the_batch_and_nothing_else(landing, load, query):
    for day in (ONE, TWO):
        small_shop.land(landing, day, [line(at(day), basket=str(day)), "bad"])
    load(ONE, TWO)
    before = [query(table) for table in TABLES]
    load(ONE)
    assert [query(table) for table in TABLES] == before
    small_shop.land(landing, ONE, [line(at(ONE), item="tea", price="9")])
    load(ONE)
    assert query("SELECT batch_date, product_id, price FROM raw.events ORDER BY 1") == [
        (ONE, "tea", 9),
        (TWO, "milk", 2.5),
    ]
    assert query(REJECTS) == before[3][1:]
    writes = query("SELECT count(*) FROM monitoring.write_audit WHERE table_name = 'raw.events'")
    assert writes == [(3,)]


def test_identical_lines_of_a_basket_are_two_events(landing, load, query):
    small_shop.land(landing, ONE, [line(at(ONE)), line(at(ONE))])
    load(ONE)
    ids = [row[0] for row in query(EVENTS)]
    assert len(set(ids)) == 2
    assert query("SELECT units FROM features.customer_day") == [(2,)]


@pytest.mark.parametrize("order", list(itertools.permutations((ONE, TWO, THREE))))
def test_an_event_delivered_in_several_batches_belongs_to_the_earliest(landing, load, query, order):
    again = line(at(ONE))
    small_shop.land(landing, ONE, [again, line(at(ONE, 11))])
    small_shop.land(landing, TWO, [again, again, line(at(TWO))])
    small_shop.land(landing, THREE, [line(at(THREE)), again, again])
    for day in order:
        load(day)
    assert query(LEDGER) == [
        (ONE, "loaded", 2, 2, 0, 0, [ONE]),
        (TWO, "loaded", 3, 2, 0, 1, [ONE, TWO]),
        (THREE, "loaded", 3, 1, 0, 2, [ONE, THREE]),
    ]
    owners = query("SELECT batch_date, event_day, count(*) FROM raw.events GROUP BY 1, 2 ORDER BY 1, 2")
    assert owners == [(ONE, ONE, 2), (TWO, ONE, 1), (TWO, TWO, 1), (THREE, THREE, 1)]
    rolled = query("SELECT batch_date, event_day, superseded_on, units FROM features.customer_day ORDER BY 1, 2")
    assert rolled == [(ONE, ONE, TWO, 2), (TWO, ONE, None, 3), (TWO, TWO, None, 1), (THREE, THREE, None, 1)]


def test_an_event_the_earliest_batch_no_longer_carries_is_given_back(landing, load, query):
    again = line(at(ONE))
    small_shop.land(landing, ONE, [again])
    small_shop.land(landing, TWO, [again])
    load(ONE, TWO)
    small_shop.land(landing, ONE, [line(at(ONE), item="tea")])
    load(ONE)
    assert query("SELECT batch_date, product_id FROM raw.events ORDER BY 1") == [(ONE, "tea"), (TWO, "milk")]
    assert query("SELECT batch_date, rows_accepted, rows_duplicate FROM raw.ingest_batches ORDER BY 1") == [
        (ONE, 1, 0),
        (TWO, 1, 0),
    ]
    versions = query("SELECT batch_date, superseded_on, units FROM features.customer_day ORDER BY 1")
    assert versions == [(ONE, TWO, 1), (TWO, None, 2)]


def test_a_range_loaded_at_once_equals_its_days_one_by_one(landing, load, query):
    for day in (ONE, TWO, THREE):
        small_shop.land(landing, day, [line(at(ONE)), line(at(day)), "bad", "worse", line(at(day), customer="c2")])
    small_shop.configure(landing.parent, {"reject_limit": 1.0})
    load(ONE, THREE)
    at_once = [query(table) for table in TABLES]
    for day in (THREE, ONE, TWO):
        load(day)
    assert [query(table) for table in TABLES] == at_once


def test_a_batch_over_its_reject_limit_changes_nothing(landing, load, query):
    small_shop.land(landing, ONE, [line(at(ONE))])
    load(ONE)
    before = [query(table) for table in TABLES]
    small_shop.land(landing, ONE, [line(at(ONE), item="tea"), "bad", "bad too"])
    with pytest.raises(
        BadInputError, match=r"till 2024-03-05: 2 of 3 rows refused, more than the reject_limit of 50\.0%"
    ):
        load(ONE)
    assert [query(table) for table in TABLES] == before


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ({"on_missing": "empty"}, "empty"),
        ({"on_missing": "calendar", "calendar": {"closed": ["03-05"]}}, "closed"),
        ({"calendar": {"closed": ["tue"]}}, "closed"),
    ],
)
def test_a_missing_file_that_the_source_allows_leaves_a_row_in_the_ledger(landing, load, query, source, status):
    small_shop.configure(landing.parent, source)
    load(ONE)
    assert query(LEDGER) == [(ONE, status, 0, 0, 0, 0, [])]


@pytest.mark.parametrize("source", [{}, {"on_missing": "calendar", "calendar": {"closed": ["12-25"]}}])
def test_a_missing_file_fails_naming_the_path(landing, load, query, source):
    small_shop.configure(landing.parent, source)
    with pytest.raises(NotReadyError, match=r"till 2024-03-05: no file at .*till/2024-03-05\.csv"):
        load(ONE)
    assert query(LEDGER) == []


def test_a_file_without_rows_is_an_empty_batch(landing, load, query):
    small_shop.land(landing, ONE, [])
    load(ONE)
    assert query(LEDGER) == [(ONE, "empty", 0, 0, 0, 0, [])]


def test_a_range_that_ends_before_it_begins_is_refused(load):
    with pytest.raises(ConfigurationError, match=r"ends .* before it begins"):
        load(TWO, ONE)


def test_readiness_names_the_first_missing_batch(landing, load, warehouse):
    for day in (ONE, THREE):
        small_shop.land(landing, day, [line(at(day))])
        load(day)
    with warehouse.begin("score") as connection:
        assert missing_batches(connection, ["till"], ONE, THREE) == [("till", TWO)]
        require_ready(connection, ["till"], THREE + timedelta(days=1))
        with pytest.raises(
            NotReadyError, match="as-of date 2024-03-07 is not ready: source till has no batch for 2024-03-06"
        ):
            require_ready(connection, ["till"], THREE)
        with pytest.raises(NotReadyError, match="no batch for 2024-03-06"):
            require_history(connection, ["till"], THREE + timedelta(days=1))


def test_a_load_too_large_for_memory_gives_the_same_rows(landing, load, query, monkeypatch):
    """Its blocks go to files and its customers are rolled up in parts."""
    rows = [
        line(at(ONE, 5 + n % 15), customer=f"c{n % 11}", basket=f"b{n % 23}", price=str(n), item=f"i{n % 7}")
        for n in range(120)
    ]
    small_shop.land(landing, ONE, [*rows, rows[0], rows[119], "broken,line"])
    load(ONE)
    at_once = [query(table) for table in TABLES]
    assert len(at_once[1]) == 122
    seen = []
    roll_up = staging.Staging.roll_up

    def spy(self):
        begun = roll_up(self)
        seen.append((len(self.files), len(self.blocks), self.parts))
        return begun

    monkeypatch.setattr(staging.Staging, "roll_up", spy)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1_000)
    monkeypatch.setattr(staging, "BLOCKS_IN_MEMORY", 2)
    monkeypatch.setattr(staging, "ROLLUP_ROWS", 50)
    load(ONE)
    [(files, in_memory, parts)] = seen
    assert files >= 3
    assert in_memory <= 1
    assert parts == 3
    assert [query(table) for table in TABLES] == at_once
