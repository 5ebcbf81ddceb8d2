"""SQL kept in `include/sql/<stage>/<purpose>.sql`, with `:name` parameters."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult

from customer_behavior.paths import SQL_DIR

if TYPE_CHECKING:
    import pandas as pd


@cache
def sql_text(name: str) -> sa.TextClause:
    """Return the statement of `include/sql/<name>.sql`; a missing file is a FileNotFoundError that names it."""
    return sa.text((SQL_DIR / f"{name}.sql").read_text())


def run_sql(connection: Connection, name: str, **parameters: Any) -> CursorResult:
    """Run one SQL file with its parameters; the result's `rowcount` is the number of rows written."""
    return connection.execute(sql_text(name), parameters)


def make_temporary(connection: Connection, table: str, query: str, **parameters: Any) -> None:
    """Keep the rows of a query, with `:name` parameters, in a temporary table until the transaction ends."""
    connection.execute(sa.text(f"CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS {query}"), parameters)


def read_frame(connection: Connection, name: str, **parameters: Any) -> pd.DataFrame:
    """Return the rows of one SQL file as a frame, a column per select item."""
    import pandas as pd  # not with the module: DAG files are read over and over and name a stage only

    return pd.read_sql_query(sql_text(name), connection, params=parameters)
