"""The rule of time: as_of_date = shop-local date(logical_date) + 1 day, for every kind of run."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_behavior.asof import (
    as_of_for,
    batch_date_for,
    dates_in_words,
    other_midnight,
    parse_date,
    resolve_as_of,
)
from customer_behavior.errors import ConfigurationError

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("logical", "as_of"),
    [
        (datetime(2024, 1, 9, 5, tzinfo=UTC), date(2024, 1, 10)),  # midnight in winter
        (datetime(2024, 1, 9, 4, 59, tzinfo=UTC), date(2024, 1, 9)),  # a minute before: still the day before
        (datetime(2024, 7, 9, 4, tzinfo=UTC), date(2024, 7, 10)),  # midnight in summer
        (datetime(2024, 3, 10, 5, tzinfo=UTC), date(2024, 3, 11)),  # the day of 23 hours
        (datetime(2024, 3, 11, 4, tzinfo=UTC), date(2024, 3, 12)),
        (datetime(2024, 11, 3, 4, tzinfo=UTC), date(2024, 11, 4)),  # the day of 25 hours
        (datetime(2024, 11, 4, 4, 30, tzinfo=UTC), date(2024, 11, 4)),  # its last, 25th hour
        (datetime(2024, 11, 4, 5, tzinfo=UTC), date(2024, 11, 5)),
    ],
)
def test_the_shop_s_clock_decides_the_day(logical, as_of):
    assert as_of_for(logical, NEW_YORK) == as_of
    assert resolve_as_of(logical, {}, NEW_YORK) == as_of
    assert batch_date_for(as_of) == as_of - timedelta(days=1)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_every_shop_local_day_has_one_as_of_date(logical):
    as_of = as_of_for(logical, NEW_YORK)
    local = logical.astimezone(NEW_YORK)
    midnight = datetime(local.year, local.month, local.day, tzinfo=NEW_YORK)
    assert as_of_for(midnight, NEW_YORK) == as_of == local.date() + timedelta(days=1)


def test_a_run_without_a_logical_date_takes_the_form():
    assert resolve_as_of(None, {"as_of_date": "2024-03-10"}, NEW_YORK) == date(2024, 3, 10)


def test_a_form_that_agrees_with_the_logical_date_is_fine():
    logical = datetime(2024, 3, 9, 5, tzinfo=UTC)
    assert resolve_as_of(logical, {"as_of_date": "2024-03-10"}, NEW_YORK) == date(2024, 3, 10)


@pytest.mark.parametrize(
    ("logical", "conf", "message"),
    [
        (None, {}, "no logical date and its form no as_of_date"),
        (None, None, "no logical date and its form no as_of_date"),
        (None, {"as_of_date": "10.3.2024"}, "as_of_date is '10.3.2024': give a date like"),
        (
            datetime(2024, 3, 9, 5, tzinfo=UTC),
            {"as_of_date": "2024-03-09"},
            "means as-of date 2024-03-10, but its form says",
        ),
    ],
)
def test_a_run_that_does_not_say_its_date_fails_with_a_sentence(logical, conf, message):
    with pytest.raises(ConfigurationError, match=message):
        resolve_as_of(logical, conf, NEW_YORK)


def test_a_form_s_date_is_a_date():
    assert parse_date(date(2024, 3, 1), "from_date") == date(2024, 3, 1)
    with pytest.raises(ConfigurationError, match="from_date is 2024-03-01 10:00:00: give a date without a time"):
        parse_date(datetime(2024, 3, 1, 10), "from_date")


def test_a_logical_date_without_a_zone_is_an_error():
    with pytest.raises(ValueError, match="no time zone"):
        as_of_for(datetime(2024, 3, 1), NEW_YORK)


# --- in words ---------------------------------------------------------------------------------------------------------


def test_a_run_says_both_dates_and_its_as_of_date():
    said = dates_in_words(datetime(2017, 12, 23, tzinfo=UTC), date(2017, 12, 23), NEW_YORK)
    assert said == (
        "As-of date 2017-12-23: what was known when 2017-12-22 ended. "
        "Logical date 2017-12-23 00:00 UTC, which is 2017-12-22 19:00 in America/New_York."
    )
    assert dates_in_words(None, date(2017, 12, 23), NEW_YORK).endswith(
        "The date is the form's; the run has no logical date."
    )


@pytest.mark.parametrize(
    ("logical", "where", "meant"),
    [
        (datetime(2017, 12, 23, tzinfo=UTC), "midnight of 2017-12-23 in UTC, and 2017-12-22", "2017-12-23T00:00:00-05:00"),
        (datetime(2017, 7, 22, 22, tzinfo=UTC), "midnight of 2017-07-23 in UTC+02:00, and 2017-07-22", "2017-07-23T00:00:00-04:00"),
        (datetime(2017, 7, 22, 18, 30, tzinfo=UTC), "midnight of 2017-07-23 in UTC+05:30", "2017-07-23T00:00:00-04:00"),
    ],
)  # fmt: skip
def test_a_midnight_of_elsewhere_that_is_another_day_of_the_shop_is_warned_of(logical, where, meant):
    warning = other_midnight(logical, NEW_YORK)
    assert warning is not None
    assert where in warning
    assert f"If the day {meant[:10]} was meant, run {meant}." in warning


@given(
    day=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    shop=st.sampled_from(
        ["America/New_York", "Europe/Berlin", "Asia/Tokyo", "Asia/Kolkata", "UTC", "Pacific/Auckland"]
    ),
    offset=st.integers(-10 * 4, 13 * 4).map(lambda quarters: timedelta(minutes=15 * quarters)),
)
def test_exactly_the_midnights_that_mean_another_day_are_warned_of(day, shop, offset):
    zone = ZoneInfo(shop)
    assert other_midnight(datetime.combine(day, time(), zone), zone) is None
    elsewhere = datetime.combine(day, time(), timezone(offset))
    warning = other_midnight(elsewhere, zone)
    if elsewhere.astimezone(zone).date() == day or elsewhere.astimezone(zone).time() == time():
        assert warning is None
    else:
        assert warning is not None
        assert f"midnight of {day} in " in warning
        assert as_of_for(
            datetime.fromisoformat(warning.rsplit("run ", 1)[1].removesuffix(".")), zone
        ) == day + timedelta(days=1)


def test_a_stamp_within_the_day_and_a_run_without_one_are_not_warned_of():
    assert other_midnight(datetime(2017, 12, 23, 0, 7, 12, tzinfo=UTC), NEW_YORK) is None
    assert other_midnight(None, NEW_YORK) is None
