"""What the stages after scoring share: what must be there before, and how one date's slice of a table is replaced."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.asof import ONE_DAY
from customer_behavior.errors import NotReadyError
from customer_behavior.settings import TargetKey
from customer_behavior.warehouse import audit, run_sql


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


def delete_date(connection: Connection, table: str, as_of: date) -> int:
    """Delete the rows of one as-of date; return how many there were."""
    return connection.execute(sa.text(f"DELETE FROM {table} WHERE as_of_date = :as_of"), {"as_of": as_of}).rowcount


def replace_date(
    connection: Connection, table: str, as_of: date, insert: str, *, run_id: str | None, **parameters: Any
) -> int:
    """Replace one date's rows by what the SQL file `insert` writes, and audit it; return the rows written."""
    deleted = delete_date(connection, table, as_of)
    written = run_sql(connection, insert, as_of=as_of, **parameters).rowcount
    audit(connection, table, str(as_of), deleted, written, run_id)
    return written
