"""One way to replace a slice of a table: delete what it holds, write, and leave an audit row."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.warehouse.sql_files import run_sql
from customer_behavior.warehouse.writes import audit


def replace_slice(
    connection: Connection,
    table: str,
    where: Mapping[str, Any],
    write: Callable[[], int],
    *,
    piece: str,
    run_id: str | None,
) -> int:
    """Delete the rows of a slice, write it anew, and audit both; return the rows written.

    Parameters
    ----------
    where : mapping
        Column to value: the slice is every row that has them all.
    write : callable
        Writes the slice and returns its rows.
    piece : str
        The slice in the audit, for example `2017-12-25 purchase/7`.
    """
    condition = " AND ".join(f"{column} = :{column}" for column in where)
    deleted = connection.execute(sa.text(f"DELETE FROM {table} WHERE {condition}"), dict(where)).rowcount
    written = write()
    audit(connection, table, piece, deleted, written, run_id)
    return written


def replace_date(
    connection: Connection, table: str, as_of: date, write: Callable[[], int], *, run_id: str | None
) -> int:
    """Replace the rows of one as-of date by what `write` writes; return the rows written."""
    return replace_slice(connection, table, {"as_of_date": as_of}, write, piece=str(as_of), run_id=run_id)


def replace_date_by(
    connection: Connection, table: str, as_of: date, insert: str, *, run_id: str | None, **parameters: Any
) -> int:
    """Replace the rows of one as-of date by what the SQL file `insert` writes; return the rows written."""
    return replace_date(
        connection, table, as_of, lambda: run_sql(connection, insert, as_of=as_of, **parameters).rowcount, run_id=run_id
    )
