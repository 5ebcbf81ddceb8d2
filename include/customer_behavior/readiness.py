"""Readiness: whether a date may be worked on. Each form of it raises NotReadyError, which names what is missing and what to run.

A date is ready when each active source has a row for its day in the ledger, an empty one included.

A source counts from its own first batch: one that was switched on later, or a dimension delivered earlier, stops nobody. Of a source
without any batch the newest day is asked for.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.asof import ONE_DAY, batch_date_for
from customer_behavior.errors import NotReadyError
from customer_behavior.settings import TargetKey
from customer_behavior.warehouse import run_sql


def missing_batches(
    connection: Connection, sources: Sequence[str], first: date | None, last: date
) -> list[tuple[str, date]]:
    """Return (source, batch date) of the batches that the ledger lacks, the earliest date first.

    Parameters
    ----------
    sources : sequence of str
        The active sources.
    first : date or None
        The first batch date that is looked at; None: each source's own first.
    """
    return [
        (row.source, row.batch_date)
        for row in run_sql(connection, "readiness/missing_batches", sources=list(sources), first=first, last=last)
    ]


def require_files(connection: Connection, sources: Sequence[str], as_of: date, landing: Path) -> None:
    """Raise NotReadyError unless each active source has landed its files for the day before `as_of`, or may do without."""
    from customer_behavior.ingest.batches import (
        missing_files,  # with its engine, which a check of the ledger does not need
    )

    day = batch_date_for(as_of)
    first = first_batches(connection)
    missing = missing_files(day, landing, [name for name in sources if first.get(name, day) <= day])
    if missing:
        raise NotReadyError("; ".join(missing))


def begins_later(connection: Connection, source: str, day: date, landing: Path) -> date | None:
    """Return the first batch date of a source that was switched on after `day` and has no file for it; None where it has to load."""
    from customer_behavior.ingest.batches import missing_files

    first = first_batches(connection).get(source, day)
    return first if day < first and missing_files(day, landing, [source]) else None


def require_ready(connection: Connection, sources: Sequence[str], as_of: date) -> None:
    """Raise NotReadyError, naming the sources' missing batches, unless the batches of the day before `as_of` are in the ledger."""
    _refuse(missing_batches(connection, sources, batch_date_for(as_of), batch_date_for(as_of)), as_of)


def require_history(connection: Connection, sources: Sequence[str], as_of: date) -> None:
    """Raise NotReadyError, naming the first missing batch, unless each source has all from its own first to the day before `as_of`."""
    _refuse(missing_batches(connection, sources, None, batch_date_for(as_of)), as_of)


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


def require_scores(connection: Connection, as_of: date, key: TargetKey) -> None:
    """Raise NotReadyError, naming the date and the DAG, unless `as_of` has scores of the target."""
    found = connection.execute(
        sa.text(
            "SELECT 1 FROM models.scores WHERE as_of_date = :as_of AND target = :target AND horizon_days = :horizon_days LIMIT 1"
        ),
        {"as_of": as_of, "target": key.target, "horizon_days": key.horizon_days},
    ).scalar()
    if found is None:
        raise NotReadyError(f"models.scores has no {key} for {as_of}: run score_customers for as-of date {as_of} first")


def require_day_before(connection: Connection, table: str, as_of: date, dag_id: str) -> None:
    """Raise NotReadyError, naming the first missing date, when `table` has earlier dates but not the day before `as_of`.

    A table without any earlier date is at its beginning. Rows of `as_of` and later do not count: a date done again
    builds on what came before it.
    """
    newest = connection.execute(
        sa.text(f"SELECT max(as_of_date) FROM {table} WHERE as_of_date < :as_of"), {"as_of": as_of}
    ).scalar()
    if newest is not None and newest != as_of - ONE_DAY:
        raise NotReadyError(
            f"{table} ends at {newest}, so {as_of} has no day before to build on: run {dag_id} for as-of date "
            f"{newest + ONE_DAY} first, then day by day"
        )


def require_recommendations(connection: Connection, as_of: date) -> None:
    """Raise NotReadyError unless `recommend` ran for the date."""
    found = connection.execute(
        sa.text("SELECT 1 FROM marketing.action_recommendations WHERE as_of_date = :as_of LIMIT 1"), {"as_of": as_of}
    ).scalar()
    if found is None:
        raise NotReadyError(
            f"marketing.action_recommendations has no rows for {as_of}: run recommend for as-of date {as_of} first"
        )
