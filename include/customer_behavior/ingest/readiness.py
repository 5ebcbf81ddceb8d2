"""Readiness: a date is ready when each active source has a row for its day in the ledger, an empty one included."""

from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.asof import ONE_DAY, batch_date_for
from customer_behavior.errors import NotReadyError
from customer_behavior.settings import load_shop


def missing_batches(connection: Connection, first: date, last: date) -> list[tuple[str, date]]:
    """Return (source, batch date) of the batches `first` to `last` that the ledger lacks, the earliest date first."""
    rows = connection.execute(
        sa.text("SELECT source, batch_date FROM raw.ingest_batches WHERE batch_date BETWEEN :first AND :last"),
        {"first": first, "last": last},
    )
    loaded = {(row.source, row.batch_date) for row in rows}
    days = (first + timedelta(days=n) for n in range((last - first) // ONE_DAY + 1))
    return [(source, day) for day in days for source in load_shop().sources if (source, day) not in loaded]


def require_ready(connection: Connection, as_of: date, first_batch: date | None = None) -> None:
    """Raise NotReadyError, naming the first missing source and date, unless what `as_of` needs is in the ledger.

    `first_batch` asks for all batches from it on; by default for the batch of the day before `as_of` alone.
    """
    last = batch_date_for(as_of)
    missing = missing_batches(connection, first_batch or last, last)
    if missing:
        source, day = missing[0]
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise NotReadyError(
            f"as-of date {as_of} is not ready: source {source} has no batch for {day}{more}; run ingest_events for that day, "
            "or load_history for the range"
        )


def first_batch_date(connection: Connection) -> date | None:
    """Return the earliest batch date of the ledger, None when it is empty."""
    return connection.execute(sa.text("SELECT min(batch_date) FROM raw.ingest_batches")).scalar()
