"""The rule of time: which as-of date a run is for, whatever kind of run it is.

`as_of_date = shop-local date(logical_date) + 1 day`. A run for Tuesday reads what was known when Tuesday ended, so its
as-of date is Wednesday. Airflow's data interval is never read: a manual run and a backfill of the same logical date have
different ones.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
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


def dates_in_words(logical_date: datetime | None, as_of: date, zone: ZoneInfo) -> str:
    """Return the as-of date of a run and its logical date, as given and on the shop's clock, in one sentence or two."""
    said = f"As-of date {as_of}: what was known when {batch_date_for(as_of)} ended."
    if logical_date is None:
        return f"{said} The date is the form's; the run has no logical date."
    given, local = logical_date.astimezone(UTC), logical_date.astimezone(zone)
    return f"{said} Logical date {given:%Y-%m-%d %H:%M} UTC, which is {local:%Y-%m-%d %H:%M} in {zone.key}."


def other_midnight(logical_date: datetime | None, zone: ZoneInfo) -> str | None:
    """Return a warning when a logical date is midnight elsewhere, of another day than the shop's; None: it is not.

    The command line and the form mean midnight in UTC, or in the zone that the UI shows, unless told otherwise.
    """
    if logical_date is None:
        return None
    given, local = logical_date.astimezone(UTC), logical_date.astimezone(zone)
    since = timedelta(hours=given.hour, minutes=given.minute, seconds=given.second, microseconds=given.microsecond)
    if local.time() == time() or since % timedelta(minutes=15):
        return None
    # Some hours are midnight in two zones, which reach from UTC-12 to UTC+14: then the one where more people live.
    offset = -since if since < timedelta(hours=11) else ONE_DAY - since
    elsewhere = (given + offset).date()
    if elsewhere == local.date():
        return None
    meant = datetime.combine(elsewhere, time(), tzinfo=zone)
    return (
        f"The logical date is midnight of {elsewhere} in {timezone(offset)}, and {local.date()} in {zone.key}, the shop's zone. If "
        f"the day {elsewhere} was meant, run {meant.isoformat()}."
    )
