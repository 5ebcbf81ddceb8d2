"""A source's YAML: what is wrong in it is named."""

from __future__ import annotations

from datetime import date

import pytest
import yaml
from pydantic import ValidationError

from customer_behavior.errors import ConfigurationError
from customer_behavior.ingest.source import Calendar, Source, load_source
from customer_behavior.paths import sources_dir
from support import small_shop


@pytest.mark.parametrize("name", [path.stem for path in sorted(sources_dir().glob("*.yaml"))])
def test_every_shipped_source_is_understood(name):
    assert load_source(name).name == name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": "till.csv"}, r"must contain \{date\}"),
        ({"timezone": "Mars/Olympus"}, "no IANA time zone"),
        ({"colums": {}}, "colums"),
        ({"columns": {"event_type": "type", "customer_id": "customer"}}, "columns.event_time is missing"),
        ({"columns": {"event_time": "time", "customer_id": "customer"}}, "name the column of event_type"),
        ({"columns": {"event_time": "time", "event_type": "type"}}, "needs a customer_id or a session_id"),
        (
            {"columns": {**small_shop.SOURCE_FILE["columns"], "line_total": "price"}},
            "price and line_total are both given",
        ),
        ({"columns": {**small_shop.SOURCE_FILE["columns"], "colour": "group"}}, "'colour' is no field of an event"),
        ({"columns": {**small_shop.SOURCE_FILE["columns"], "price": ["price", "off"]}}, "price names several columns"),
        ({"constants": {"event_type": "sneeze"}}, "the types are view, cart"),
        ({"calendar": {"closed": ["25 Dec"]}}, "a day of every year as MM-DD"),
        ({"rules": {"lowercase": ["price"]}}, "'price' is no field of text; those are event_id"),
        (
            {"fill_down": {"by": "basket", "columns": ["mail"]}},
            "names 'mail', which neither columns, keep nor rules.no_purchase_when does",
        ),
        ({"fill_down": {"by": "basket", "columns": ["basket"]}}, "names 'basket', which fill_down.by does"),
        (
            {"fill_down": {"by": "basket", "columns": ["item"]}, "format": "jsonl"},
            "fill_down is of csv, format is jsonl",
        ),
        ({"explode": "item"}, "explode is of jsonl and parquet: CSV has no lists"),
        ({"explode": "itms", "format": "jsonl"}, "explode names 'itms', but no column reads from its items"),
        ({"event_types": {"buy": "bought"}}, "event_types.buy"),
        ({"time_format": "%H:%M"}, r"'%H:%M' lacks a year \(%Y\)"),
        ({"time_format": ["%d.%m.%Y", "%d.%m. %H:%M"]}, "'%d.%m. %H:%M' lacks a year"),
        ({"time_format": "%d.%m.%Y %Q"}, "has %Q; the parts are %Y"),
        ({"time_format": "%d.%m.%Y", "time_unit": "s"}, "time_unit is of one column of numbers"),
        ({"header": ["time", "type", "time"]}, "each by a name of its own"),
        ({"header": ["time"], "format": "jsonl"}, "header names the columns of a csv"),
    ],
)
def test_a_wrong_key_is_named_with_its_file(tmp_path, monkeypatch, change, message):
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_SOURCES", str(tmp_path))
    (tmp_path / "till.yaml").write_text(yaml.safe_dump({**small_shop.SOURCE_FILE, **change}))
    with pytest.raises((ConfigurationError, ValidationError), match=message):
        load_source("till")


def test_an_unknown_source_lists_those_there_are():
    with pytest.raises(ConfigurationError, match=r"there is no source 'kasse'.*complete_journey"):
        load_source("kasse")


def test_a_calendar_knows_every_year_and_one_day():
    calendar = Calendar(closed=("12-25", "2024-07-04"))
    closed = [calendar.is_closed(date(*day)) for day in ((2023, 12, 25), (2024, 7, 4), (2025, 7, 4))]
    assert closed == [True, True, False]
    assert isinstance(load_source("complete_journey"), Source)


@pytest.mark.parametrize("written", ["[sat, sun, '12-25', '2024-05-09']", "[Saturday, SUN, 12-25, 2024-05-09]"])
def test_a_calendar_knows_weekdays_and_a_date_without_quotes(tmp_path, monkeypatch, written):
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_SOURCES", str(tmp_path))
    described = yaml.safe_dump(small_shop.SOURCE_FILE | {"on_missing": "calendar"})
    (tmp_path / "till.yaml").write_text(f"{described}calendar: {{closed: {written}}}\n")
    is_closed = load_source("till").calendar.is_closed
    week = [date(2024, 3, day) for day in range(4, 11)]  # Monday to Sunday
    assert [is_closed(day) for day in week] == [False] * 5 + [True] * 2
    assert [is_closed(day) for day in (date(2024, 12, 25), date(2024, 5, 9), date(2025, 5, 9))] == [True, True, False]
