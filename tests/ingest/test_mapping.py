"""Mapping: text columns to events, each refusal with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from customer_behavior.errors import BadInputError
from customer_behavior.ingest.blocks import Block
from customer_behavior.ingest.engine import open_engine
from customer_behavior.ingest.mapping import check_header
from customer_behavior.ingest.source import Source
from customer_behavior.ingest.staging import Staging
from support import small_shop

NEW_YORK = ZoneInfo("America/New_York")
DAY = date(2024, 3, 5)


def till(**changes) -> Source:
    return Source.model_validate({"name": "till", **small_shop.SOURCE_FILE, **changes})


@dataclass
class Mapped:
    """What became of some lines."""

    events: pd.DataFrame
    refusals: list


def mapped(source: Source, *lines: dict, day: date = DAY) -> Mapped:
    """Stage lines of the till as one block."""
    table = pa.table(
        {name: pa.array([str(one[name]) or None for one in lines], pa.string()) for name in small_shop.HEADER}
    )
    block = Block(table, np.arange(2, 2 + len(lines)), [str(one) for one in lines])
    with open_engine(source.timezone) as engine:
        staging = Staging(engine, source, NEW_YORK, Path())
        accepted, refusals = staging.stage(block, day, "till.csv")
        events = engine.execute("SELECT * FROM mapped_0 ORDER BY line").df()
    assert len(events) == accepted
    return Mapped(events, refusals)


def test_a_line_becomes_an_event():
    events = mapped(till(), small_shop.line("2024-03-05 21:30:00", units=2, price="1.25", off="0.10")).events
    row = events.iloc[0]
    assert row.event_time == pd.Timestamp("2024-03-06 02:30:00", tz="UTC")
    assert row.event_day == pd.Timestamp("2024-03-05")
    assert (row.event_type, row.customer_id, row.order_id, row.category) == ("purchase", "c1", "b1", "dairy")
    assert (row.quantity, row.price, row.discount, row.line) == (2, 1.25, 0.10, 2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"time": ""}, "time_missing"),
        ({"time": "yesterday"}, "time_unreadable"),
        ({"time": "infinity"}, "time_unreadable"),
        ({"time": "epoch"}, "time_unreadable"),
        ({"time": "1900-01-01 00:00:00"}, "time_outside_batch"),
        ({"time": "2999-01-01 00:00:00"}, "time_outside_batch"),
        ({"time": "2024-03-01 23:59:59"}, "time_outside_batch"),
        ({"type": "sneeze"}, "type_unknown"),
        ({"customer": "", "basket": ""}, "nobody"),
        ({"price": "cheap"}, "number_unreadable"),
        ({"price": "1e308"}, "number_unreadable"),
        ({"price": "inf"}, "number_unreadable"),
        ({"price": "-1", "units": "-1"}, "price_negative"),
        ({"units": "0"}, "quantity_zero"),
    ],
)
def test_a_line_that_cannot_be_an_event_is_refused(change, reason):
    good = small_shop.line("2024-03-05 10:00:00")
    result = mapped(till(nobody="reject"), good, {**good, **change}, good)
    assert [refusal.reason for refusal in result.refusals] == [reason]
    assert result.refusals[0].line == 3
    assert len(result.events) == 2


@pytest.mark.parametrize("stamp", ["2024-03-02 00:00:00", "2024-03-06 23:59:59"])
def test_the_days_a_batch_may_deliver_are_closed_at_both_ends(stamp):
    assert mapped(till(), small_shop.line(stamp)).refusals == []


def test_rules_turn_lines_into_other_events():
    lines = [small_shop.line("2024-03-05 10:00:00", units=units) for units in (-2, 0)]
    source = till(rules={"negative_quantity": "return", "zero_quantity": "other"})
    events = mapped(source, *lines).events
    assert list(events.event_type) == ["return", "other"]
    assert list(events.quantity) == [2, 0]


def test_of_several_columns_the_first_that_is_given_counts():
    columns = {**small_shop.SOURCE_FILE["columns"], "category": ["group", "item"]}
    lines = [small_shop.line("2024-03-05 10:00:00", group=group) for group in ("dairy", "", " ")]
    assert list(mapped(till(columns=columns), *lines).events.category) == ["dairy", "milk", "milk"]


def test_a_field_may_be_written_in_small_letters():
    source = till(rules={"lowercase": ["customer_id"]}, customer_namespace="Till")
    events = mapped(source, small_shop.line("2024-03-05 10:00:00", "ÅNN@X", basket="B1")).events
    assert (events.customer_id[0], events.session_id[0]) == ("Till:ånn@x", "B1")


def test_what_is_trimmed_of_a_value_does_not_depend_on_its_neighbours():
    lines = [small_shop.line("2024-03-05 10:00:00", item=item) for item in ("tea\xa0", " milk ")]
    assert mapped(till(), *lines[:1]).events.product_id[0] == "tea"
    assert list(mapped(till(), *lines).events.product_id) == ["tea", "milk"]


def test_totals_become_amounts_per_unit():
    columns = {**small_shop.SOURCE_FILE["columns"], "line_total": "price", "line_discount": ["off", "group"]}
    del columns["price"], columns["discount"]
    line = small_shop.line("2024-03-05 10:00:00", units=4, price="10", off="1", group="2")
    row = mapped(till(columns=columns), line).events.iloc[0]
    assert (row.price, row.discount) == (2.5, 0.75)


@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        ("2024-07-01 12:00:00", "2024-07-01 16:00:00"),
        ("2024-01-01 12:00:00", "2024-01-01 17:00:00"),
        ("2024-01-01T12:00:00Z", "2024-01-01 12:00:00"),
        ("2024-01-01 12:00:00 UTC", "2024-01-01 12:00:00"),
        ("2024-01-01T12:00:00+02:00", "2024-01-01 10:00:00"),
        ("2024-11-03 01:30:00", "2024-11-03 06:30:00"),  # the hour that happens twice: the second
        ("2024-03-10 02:30:00", "2024-03-10 07:30:00"),  # the hour that never was: an hour later
    ],
)
def test_stamps_are_placed_in_the_zone_of_the_source(stamp, utc):
    [event] = mapped(till(), small_shop.line(stamp), day=pd.Timestamp(utc).date()).events.itertuples()
    assert event.event_time == pd.Timestamp(utc, tz="UTC")


def test_a_mapped_column_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(BadInputError, match=r"'units', mapped to quantity in .*till\.yaml.*its columns are time, type"):
        check_header(till(), ["time", "type", "customer", "basket", "item", "group", "price", "off"], "f.csv")


def test_a_time_is_read_by_the_sources_formats():
    source = till(time_format=["%d.%m.%Y %H:%M", "%d.%m.%y"], max_lateness_days=0)
    stamps = ["5.3.2024 9:07", "05.03.24", "03/05/2024 09:07", "2024-03-05 09:07:00", "31.02.2024 09:07", ""]
    found = mapped(source, *(small_shop.line(stamp) for stamp in stamps))
    assert [str(at.tz_convert(NEW_YORK))[:16] for at in found.events["event_time"]] == [
        "2024-03-05 09:07",
        "2024-03-05 00:00",
    ]
    assert [refusal.reason for refusal in found.refusals] == ["time_unreadable"] * 3 + ["time_missing"]


def test_a_date_and_a_time_of_day_may_be_two_columns():
    columns = {**small_shop.SOURCE_FILE["columns"], "event_time": ["time", "group"]}
    del columns["category"]
    clocks = ["09:07", " 23:59 ", "", "24:61"]
    found = mapped(till(columns=columns), *(small_shop.line(str(DAY), group=clock) for clock in clocks))
    assert [str(at.tz_convert(NEW_YORK))[11:16] for at in found.events["event_time"]] == ["09:07", "23:59"]
    assert [refusal.reason for refusal in found.refusals] == ["time_missing", "time_unreadable"]
