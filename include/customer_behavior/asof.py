"""The rule of time: which as-of date a run is for, whatever kind of run it is.

`as_of_date = shop-local date(logical_date) + 1 day`. A run for Tuesday reads what was known when Tuesday ended, so its
as-of date is Wednesday. Airflow's data interval is never read: a manual run and a backfill of the same logical date have
different ones.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from customer_behavior.errors import ConfigurationError

ONE_DAY = timedelta(days=1)


def as_of_for(logical_date: datetime, zone: ZoneInfo) -> date:
    """Return the as-of date of a logical date.

    Parameters
    ----------
    logical_date : datetime
        With a time zone, as Airflow gives it.
    zone : ZoneInfo
        The shop's time zone, which decides the day.
    """
    if logical_date.tzinfo is None:
        raise ValueError(f"the logical date {logical_date} has no time zone")
    return logical_date.astimezone(zone).date() + ONE_DAY


def batch_date_for(as_of: date) -> date:
    """Return the date whose landed files a run ingests: the day that has just ended at `as_of`."""
    return as_of - ONE_DAY


def parse_date(value: Any, name: str) -> date:
    """Return a form's date; anything but YYYY-MM-DD is a ConfigurationError that names the field."""
    if isinstance(value, datetime):
        raise ConfigurationError(f"{name} is {value}: give a date without a time, like 2017-12-25")
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise ConfigurationError(f"{name} is {value!r}: give a date like 2017-12-25") from error


def resolve_as_of(logical_date: datetime | None, conf: Mapping[str, Any] | None, zone: ZoneInfo) -> date:
    """Return the as-of date of a run.

    A run with a logical date takes it; a run without one (a manual trigger without a date, an asset's trigger) takes
    `conf["as_of_date"]`.

    Raises
    ------
    ConfigurationError
        When the run has neither, or has both and they disagree.
    """
    asked = (conf or {}).get("as_of_date")
    if logical_date is None:
        if asked is None:
            raise ConfigurationError(
                "this run has no logical date and its form no as_of_date: trigger it with a logical date, or with "
                '{"as_of_date": "YYYY-MM-DD"}'
            )
        return parse_date(asked, "as_of_date")
    as_of = as_of_for(logical_date, zone)
    if asked is not None and parse_date(asked, "as_of_date") != as_of:
        raise ConfigurationError(
            f"this run's logical date {logical_date.isoformat()} means as-of date {as_of}, but its form says {asked}: "
            "clear one of the two"
        )
    return as_of
