"""Readiness: a date is ready when each active source has a row for its day in the ledger, an empty one included.

A source counts from its own first batch: one that was switched on later, or a dimension delivered earlier, stops nobody. Of a source
without any batch the newest day is asked for.
"""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.asof import batch_date_for
from customer_behavior.errors import NotReadyError
from customer_behavior.settings import load_shop
from customer_behavior.warehouse import run_sql


def missing_batches(connection: Connection, first: date | None, last: date) -> list[tuple[str, date]]:
    """Return (source, batch date) of the batches that the ledger lacks, the earliest date first.

    Parameters
    ----------
    first : date or None
        The first batch date that is looked at; None: each source's own first.
    """
    sources = list(load_shop().sources)
    return [
        (row.source, row.batch_date)
        for row in run_sql(connection, "readiness/missing_batches", sources=sources, first=first, last=last)
    ]


def require_ready(connection: Connection, as_of: date) -> None:
    """Raise NotReadyError, naming the sources' missing batches, unless the batches of the day before `as_of` are in the ledger."""
    _refuse(missing_batches(connection, batch_date_for(as_of), batch_date_for(as_of)), as_of)


def require_history(connection: Connection, as_of: date) -> None:
    """Raise NotReadyError, naming the first missing batch, unless each source has all from its own first to the day before `as_of`."""
    _refuse(missing_batches(connection, None, batch_date_for(as_of)), as_of)


def first_batches(connection: Connection) -> dict[str, date]:
    """Return the first batch date of each source in the ledger; one without a batch is left out."""
    rows = connection.execute(
        sa.text("SELECT source, min(batch_date) AS first FROM raw.ingest_batches GROUP BY source")
    )
    return {row.source: row.first for row in rows}


def _refuse(missing: list[tuple[str, date]], as_of: date) -> None:
    if missing:
        source, day = missing[0]
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise NotReadyError(
            f"as-of date {as_of} is not ready: source {source} has no batch for {day}{more}; run ingest_events for that day, "
            "or load_history for the range"
        )
