"""The daily rollup: what each batch adds to each customer's day. `sql/features/customer_day.sql` defines it."""

import json
from collections.abc import Collection
from datetime import date

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.warehouse import copy_arrow, run_sql, sql_text

COLUMNS = (
    "customer_id", "event_day", "batch_date", "source", "events", "views", "carts", "cart_removals", "favourites", "searches",
    "purchase_lines", "orders", "return_lines", "sessions", "carts_left", "session_seconds", "units", "revenue", "discount",
    "returned_value", "cart_value", "priced_views", "seen_value", "products", "categories", "max_price_paid", "top_category",
    "top_category_lines", "purchase_hours", "night_events", "morning_events", "afternoon_events", "evening_events", "country",
    "device", "channel", "first_event_at", "last_event_at",
)  # fmt: skip
Slices = Collection[tuple[date, date]]  # (batch date, event day)


def replace_delivered(connection: Connection, source: str, old: Slices, rows: pa.RecordBatchReader) -> tuple[int, int]:
    """Put the rows that a load has made in place of `old`, the slices its batches had; return the rows (deleted, written)."""
    deleted = _delete(connection, source, old)
    return deleted, copy_arrow(connection, "features.customer_day", COLUMNS, rows)


def replace(connection: Connection, source: str, slices: Slices, timezone: str) -> tuple[int, int]:
    """Make the rollup of `slices` anew from raw.events; return the rows (deleted, written)."""
    if not slices:
        return 0, 0
    days = [day for _, day in slices]
    deleted = _delete(connection, source, slices)
    run_sql(
        connection,
        "features/day_events",
        source=source,
        slices=_json(slices),
        first_day=min(days),
        last_day=max(days),
        timezone=timezone,
    )
    return deleted, _insert(connection)


def rebuild_if_empty(connection: Connection, timezone: str) -> int:
    """Make the whole rollup from raw.events if it has no row, as after a migration that widened it; return the rows written."""
    if connection.execute(sa.text("SELECT 1 FROM features.customer_day LIMIT 1")).first():
        return 0
    slices: dict[str, set[tuple[date, date]]] = {}
    ledger = sa.text("SELECT source, batch_date, unnest(event_days) AS event_day FROM raw.ingest_batches")
    for row in connection.execute(ledger):
        slices.setdefault(row.source, set()).add((row.batch_date, row.event_day))
    return sum(replace(connection, source, of, timezone)[1] for source, of in sorted(slices.items()))


def _insert(connection: Connection) -> int:
    """Roll up the temporary table day_events."""
    insert = f"INSERT INTO features.customer_day ({', '.join(COLUMNS)}) {sql_text('features/customer_day').text}"
    written = connection.execute(sa.text(insert)).rowcount
    connection.execute(sa.text("DROP TABLE day_events"))
    return written


def _delete(connection: Connection, source: str, slices: Slices) -> int:
    if not slices:
        return 0
    days = [day for _, day in slices]
    return run_sql(
        connection,
        "features/delete_customer_day",
        source=source,
        slices=_json(slices),
        first_day=min(days),  # said as well, so that the index by day is used
        last_day=max(days),
    ).rowcount


def _json(slices: Slices) -> str:
    return json.dumps(sorted((str(batch), str(day)) for batch, day in slices))
