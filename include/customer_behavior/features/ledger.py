"""What features were made from: the ledger's batches of events, and whether one of them has been loaded since."""

from collections.abc import Callable
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.warehouse import replace_slice, run_sql


def fingerprint(connection: Connection, known_until: date) -> str:
    """Return a fingerprint of the batches of events before `known_until`: a load of any of them changes it."""
    return run_sql(connection, "features/ledger", known_until=known_until).one().fingerprint


def first_event_day(connection: Connection, as_of: date) -> date | None:
    """Return the first day with an event, as known at `as_of`; None when nothing is known."""
    day: date | None = run_sql(connection, "features/first_event_day", as_of=as_of).scalar()
    return day


def current_rows(connection: Connection, table: str, column: str, day: date, known_until: date) -> int | None:
    """Return how many rows a date of a table of snapshots has; None where it has to be made, or made anew.

    That is when it was never made, when a batch of events before `known_until` has been loaded since its making began, or when
    it was made with rows and has none.

    Parameters
    ----------
    column : str
        The column of its dates.
    """
    build = run_sql(connection, "features/snapshot_build", table_name=table, day=day).first()
    if build is None or build.ledger != fingerprint(connection, known_until):
        return None
    rows: int = connection.execute(
        sa.text(f"SELECT count(*) FROM {table} WHERE {column} = :day"), {"day": day}
    ).scalar_one()
    return rows if rows or not build.rows_written else None


def replace_snapshot(
    connection: Connection,
    table: str,
    column: str,
    day: date,
    known_until: date,
    write: Callable[[], int],
    *,
    run_id: str | None,
) -> int:
    """Replace a date of a table of snapshots by what `write` writes, and note the ledger it was made from; return its rows."""
    # The ledger first: a load that ends between the two makes the date stale, not wrong.
    ledger = fingerprint(connection, known_until)
    rows = replace_slice(connection, table, {column: day}, write, piece=str(day), run_id=run_id)
    key = {"table_name": table, "day": day}
    connection.execute(
        sa.text("DELETE FROM features.snapshot_builds WHERE table_name = :table_name AND day = :day"), key
    )
    run_sql(connection, "features/insert_snapshot_build", **key, ledger=ledger, rows_written=rows)
    return rows
