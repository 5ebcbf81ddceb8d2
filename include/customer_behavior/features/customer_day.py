"""The daily rollup: what each batch adds to each customer's day."""

import json
from collections.abc import Collection
from datetime import date

from sqlalchemy.engine import Connection

from customer_behavior.warehouse import run_sql


def replace(
    connection: Connection, source: str, slices: Collection[tuple[date, date]], timezone: str
) -> tuple[int, int]:
    """Make features.customer_day anew for `slices`, pairs of (batch date, event day); return the rows (deleted, written)."""
    if not slices:
        return 0, 0
    days = [day for _, day in slices]
    asked = {"source": source, "slices": json.dumps(sorted((str(batch), str(day)) for batch, day in slices))}
    deleted = run_sql(connection, "features/delete_customer_day", **asked).rowcount
    written = run_sql(
        connection,
        "features/insert_customer_day",
        **asked,
        first_day=min(days),
        last_day=max(days),
        timezone=timezone,
    ).rowcount
    return deleted, written
