"""Is the warehouse fresh, and what was refused on the way in? A few rows of the ledger and of one snapshot."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from customer_behavior.asof import ONE_DAY, batch_date_for
from customer_behavior.data_quality.usability.finding import Finding, numbered, ranked
from customer_behavior.ingest.source import Calendar, load_source
from customer_behavior.warehouse import run_sql

BATCHES = 28
"""Days of batches that are looked at."""
STILL_DAYS = 3
"""Days open without an event before the newest batch that a source may have."""
MINIMUM_ROWS_A_DAY = 10
"""Mean rows of a batch under which an empty one is nothing unusual."""
REJECTED_SHARE = 0.01
DUPLICATE_NOTE, DUPLICATE_WARNING = 0.05, 0.3
"""Shares of rows that an earlier batch had delivered: a source that overlaps a day or two is common."""
FLAGGED_NOTE, FLAGGED_WARNING = 0.005, 0.05


def inspect_sources(connection: Connection, sources: Sequence[str], as_of: date) -> list[Finding]:
    """Return what is wrong with what the warehouse was given before `as_of`, weightiest first; an empty list: nothing.

    Reads the ledger of the active sources, 28 batches of each, and the newest snapshot of 60 days; no event.
    """
    found: list[Finding] = []
    for row in run_sql(
        connection, "data_quality/usability_batches", as_of=as_of, days=BATCHES, sources=list(sources)
    ).mappings():
        found += _fresh(row, as_of)
        found += _clean(row)
    flagged = run_sql(connection, "data_quality/usability_flagged", as_of=as_of, days=60).mappings().one_or_none()
    if flagged is not None:
        found += _people(flagged)
    return ranked(found)


def _fresh(row: Any, as_of: date) -> Iterator[Finding]:
    """Yield what is late or missing in a source's batches."""
    source, last = row["source"], batch_date_for(as_of)
    if row["newest"] is None:
        yield Finding(
            "warning",
            "source_without_batches",
            f"source {source} has not delivered anything before {as_of}",
            f"run load_history for {source}, or take it out of sources in include/config/shop.yaml",
            {"source": source},
        )
        return
    newest, calendar = row["newest"], load_source(source).calendar
    due = _open_days(calendar, newest + ONE_DAY, last)
    if due:
        yield Finding(
            "warning",
            "late_source",
            f"the newest batch of source {source} is that of {newest}, {numbered(len(due), 'day')} before the last one due,"
            f" {due[-1]}",
            f"land its files and run ingest_events for {due[0]} and the days after, or load_history for the range",
            {"source": source, "newest_batch": str(newest), "days_late": len(due)},
        )
    begin = max(row["first_batch"], as_of - timedelta(days=BATCHES))
    expected = _open_days(calendar, begin, newest)
    missing = len(set(expected) - set(row["batch_days"]))
    if missing:
        yield Finding(
            "warning",
            "missing_batches",
            f"source {source} lacks {numbered(missing, 'batch day')} of the {len(expected)} up to {newest}",
            f"run load_history for {source} from {begin} to {newest}; it loads again what is there, with the same result",
            {"source": source, "missing": missing, "of": len(expected)},
        )
    empty, full = sum(not calendar.is_closed(day) for day in row["empty_days"]), row["full_batches"]
    if empty and full >= empty and row["rows_read"] >= MINIMUM_ROWS_A_DAY * full:
        yield Finding(
            "warning",
            "empty_batches",
            f"{empty} of the {empty + full} batches of source {source} are empty, the others"
            f" have {row['rows_read'] / full:,.0f} rows on average",
            f"look at the landed files of those days; if the shop was closed, say so under calendar in"
            f" include/sources/{source}.yaml, if files were missing, set on_missing: fail there, and run load_history",
            {"source": source, "empty": empty, "of": empty + full},
        )
    seen = row["newest_event_day"]
    still = len(_open_days(calendar, seen + ONE_DAY, newest)) if seen is not None else None
    if row["batches"] and row["rows_read"] and (still is None or still >= STILL_DAYS):
        yield Finding(
            "warning",
            "stale_events",
            f"the batches of source {source} go up to {newest}, their newest event is of"
            f" {seen if seen is not None else f'{as_of} or later'}",
            f"look whether its files repeat an old export, and at timezone and columns.event_time in"
            f" include/sources/{source}.yaml",
            {
                "source": source,
                "newest_event_day": None if seen is None else str(seen),
                "newest_batch": str(newest),
            },
        )


def _open_days(calendar: Calendar, first: date, last: date) -> list[date]:
    """Return the days `first` to `last`, both included, on which the shop was not closed."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if not calendar.is_closed(day)]


def _clean(row: Any) -> Iterator[Finding]:
    """Yield shares of a source's rows that were refused, or that it had delivered before."""
    source, rows = row["source"], int(row["rows_read"])
    if not rows:
        return
    rejected, duplicate = int(row["rows_rejected"]) / rows, int(row["rows_duplicate"]) / rows
    details = {"source": source, "rows_read": rows}
    if rejected >= REJECTED_SHARE:
        yield Finding(
            "warning",
            "rejected_rows",
            f"{rejected:.1%} of the {rows:,} rows of source {source} in the last {BATCHES} batches were refused",
            "SELECT reason, count(*), min(detail) FROM raw.rejected_events GROUP BY reason; correct"
            f" include/sources/{source}.yaml and run load_history for those days",
            {**details, "rows_rejected": int(row["rows_rejected"])},
        )
    if duplicate >= DUPLICATE_NOTE:
        yield Finding(
            "warning" if duplicate >= DUPLICATE_WARNING else "note",
            "duplicate_events",
            f"{duplicate:.1%} of the {rows:,} rows of source {source} in the last {BATCHES} batches had been delivered before",
            "look whether its export overlaps the days before on purpose; if different events are taken for one, name the"
            f" source's own id as columns.event_id in include/sources/{source}.yaml",
            {**details, "rows_duplicate": int(row["rows_duplicate"])},
        )


def _people(row: Any) -> Iterator[Finding]:
    """Yield the share of customers who are left out as staff or bots."""
    customers, staff, bots = row["customers"], row["staff"], row["bots"]
    share = (staff + bots) / customers
    if share < FLAGGED_NOTE:
        return
    yield Finding(
        "warning" if share >= FLAGGED_WARNING else "note",
        "flagged_customers",
        f"{share:.1%} of {customers:,} customers at {row['as_of_date']} are left out, {bots:,} as bots and {staff:,} as staff",
        "if they are people, raise bots.max_events_per_day and bots.max_orders_per_day or shorten staff in"
        " include/config/shop.yaml; if one id stands for many people (a till, guests), leave columns.customer_id empty for it",
        {"customers": customers, "bots": bots, "staff": staff, "as_of_date": str(row["as_of_date"])},
    )
