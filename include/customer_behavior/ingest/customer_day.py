"""The daily rollup: each customer's day as known with each batch. `sql/ingest/customer_day.sql` defines it.

A load makes the days that one batch alone tells of in its own engine. The others are `touched`: made anew here from raw.events,
once for each batch with which something about them became known.
"""

import json
from collections.abc import Callable, Collection, Sequence
from datetime import date

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.warehouse import copy_arrow, make_temporary, run_sql, sql_text

COLUMNS = (
    "customer_id", "event_day", "batch_date", "source", "events", "views", "carts", "cart_removals", "favourites", "searches",
    "purchase_lines", "orders", "return_lines", "sessions", "carts_left", "session_seconds", "units", "revenue", "discount",
    "returned_value", "cart_value", "priced_views", "seen_value", "products", "categories", "max_price_paid", "top_category",
    "top_category_lines", "purchase_hours", "night_events", "morning_events", "afternoon_events", "evening_events", "country",
    "device", "channel", "first_event_at", "last_event_at", "gross_revenue", "charges",
)  # fmt: skip
AMOUNTS = frozenset(
    ("units", "revenue", "discount", "returned_value", "cart_value", "seen_value", "gross_revenue", "charges")
)  # kept to four decimals
Slices = Collection[tuple[date, date]]  # (batch date, event day)


def begin(connection: Connection) -> None:
    """Make the temporary table `touched` (customer_id, event_day): the customers' days to make anew."""
    connection.execute(sa.text("CREATE TEMPORARY TABLE touched (customer_id text, event_day date) ON COMMIT DROP"))


def touch_shared(connection: Connection, source: str, days: Sequence[date], dates: Sequence[date]) -> None:
    """Touch the customers' days of `days` that a batch of `dates` and another tell of."""
    if days:
        run_sql(connection, "ingest/touched_days", source=source, days=list(days), dates=list(dates))


def touch_orders(connection: Connection) -> None:
    """Touch the days of the orders in the temporary table `contested`."""
    connection.execute(
        sa.text(
            "INSERT INTO touched (customer_id, event_day)"
            " SELECT DISTINCT customer_id, event_day FROM contested WHERE customer_id IS NOT NULL"
        )
    )


def touch(connection: Connection, rows: Sequence[sa.Row]) -> None:
    """Touch the days of rows with customer_id and event_day; a row without a customer has none."""
    days = sorted({(row.customer_id, row.event_day) for row in rows if row.customer_id is not None})
    connection.execute(
        sa.text(
            "INSERT INTO touched (customer_id, event_day)"
            " SELECT * FROM unnest(cast(:customers AS text[]), cast(:days AS date[]))"
        ),
        {"customers": [customer for customer, _ in days], "days": [day for _, day in days]},
    )


def replace_delivered(connection: Connection, source: str, old: Slices, rows: pa.RecordBatchReader) -> tuple[int, int]:
    """Put the rows that a load has made in place of `old`, the slices its batches had; return the rows (deleted, written)."""
    deleted = _delete(connection, source, old)
    return deleted, copy_arrow(connection, "features.customer_day", COLUMNS, rows)


def rebuild_touched(connection: Connection, source: str, timezone: str, reach: int | None) -> tuple[int, int]:
    """Make the touched days of a source anew from raw.events; return the rows (deleted, written).

    Parameters
    ----------
    timezone : str
        The shop's IANA time zone, of the hours.
    reach : int or None
        Days between two lines with one order id within which they are of one order; None: the source names no orders.
    """
    days = _touched_days(connection)
    if not days:
        return 0, 0
    connection.execute(sa.text("ANALYZE touched"))
    while reach is not None and run_sql(connection, "ingest/touch_days_of_orders", source=source, days=days).rowcount:
        days = _touched_days(connection)
    here = {"source": source, "days": days}
    deleted = run_sql(connection, "ingest/remove_touched_days", **here).rowcount
    run_sql(connection, "ingest/day_versions", **here)
    connection.execute(sa.text("ANALYZE day_versions"))
    run_sql(connection, "ingest/day_events", **here, timezone=timezone, reach=reach or 0)
    make_temporary(connection, "rolled", sql_text("ingest/customer_day").text)
    run_sql(connection, "ingest/changed_versions")
    columns = ", ".join(f"rolled.{name}" for name in COLUMNS)
    written = connection.execute(
        sa.text(
            f"INSERT INTO features.customer_day ({', '.join(COLUMNS)}, superseded_on)"
            f" SELECT {columns}, changed.superseded_on FROM rolled INNER JOIN changed_versions AS changed"
            " USING (customer_id, event_day, batch_date)"
        )
    ).rowcount
    for name in ("day_versions", "day_events", "rolled", "changed_versions"):
        connection.execute(sa.text(f"DROP TABLE {name}"))
    connection.execute(sa.text("TRUNCATE touched"))
    return deleted, written


def rebuild_if_empty(connection: Connection, timezone: str, reach: Callable[[str], int | None]) -> int:
    """Make the whole rollup from raw.events if it has no row, as after a migration that changed it; return the rows written.

    `reach` returns that of a source, as in `rebuild_touched`.
    """
    if connection.execute(sa.text("SELECT 1 FROM features.customer_day LIMIT 1")).first():
        return 0
    begin(connection)
    written = 0
    ledger = sa.text(
        "SELECT DISTINCT source, unnest(event_days) AS event_day FROM raw.ingest_batches ORDER BY source, event_day"
    )
    customers = sa.text(
        "INSERT INTO touched (customer_id, event_day) SELECT DISTINCT customer_id, event_day FROM raw.events"
        " WHERE source = :source AND event_day = :event_day AND customer_id IS NOT NULL"
    )
    days = connection.execute(ledger).all()
    for row in days:
        connection.execute(customers, {"source": row.source, "event_day": row.event_day})
        deleted, made = rebuild_touched(connection, row.source, timezone, reach(row.source))
        written += made - deleted
    connection.execute(sa.text("DROP TABLE touched"))
    return written


def _touched_days(connection: Connection) -> list[date]:
    return [row.event_day for row in connection.execute(sa.text("SELECT DISTINCT event_day FROM touched"))]


def _delete(connection: Connection, source: str, slices: Slices) -> int:
    if not slices:
        return 0
    days = [day for _, day in slices]
    return run_sql(
        connection,
        "ingest/delete_customer_day",
        source=source,
        slices=_json(slices),
        first_day=min(days),  # said as well, so that the index by day is used
        last_day=max(days),
    ).rowcount


def _json(slices: Slices) -> str:
    return json.dumps(sorted((str(batch), str(day)) for batch, day in slices))
