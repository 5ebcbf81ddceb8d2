"""Read a bucket of the snapshot once, for every target that asks of its customers."""

import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from pyarrow import csv
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from customer_behavior.settings import Population, TargetKey
from customer_behavior.targets.statements import population_query
from customer_behavior.warehouse import read_frame, sql_text

MEMBERSHIP = "populations"
NAMED = postgresql.dialect(paramstyle="named")  # leaves a percent sign alone


class BucketRows:
    """The customers of a bucket, each with the populations it belongs to.

    Parameters
    ----------
    rows : Table
        Columns customer_id, those asked for (numbers as float64, NULL where there is no value; texts), and `populations`, which
        has bit n set for members of population n.
    """

    def __init__(self, rows: pa.Table, populations: Sequence[Population]) -> None:
        self._rows = rows
        self._populations = list(populations)

    def of(self, population: Population, columns: Sequence[str]) -> pa.Table:
        """Return customer_id and `columns`, as far as they are there, of the members of one population."""
        bit = 1 << self._populations.index(population)
        there = set(self._rows.column_names)
        wanted = self._rows.select(["customer_id", *(name for name in columns if name in there)])
        return wanted.filter(pc.not_equal(pc.bit_wise_and(self._rows[MEMBERSHIP], bit), 0))


def read_scored(connection: Connection, key: TargetKey, as_of: date) -> pd.DataFrame:
    """Return every customer scored for `as_of` with the snapshot that was scored: scored_customer_id and the snapshot's columns."""
    return read_frame(
        connection, "scoring/scored_customers", as_of=as_of, target=key.target, horizon_days=key.horizon_days
    )


def read_bucket(
    connection: Connection,
    as_of: date,
    bucket: int,
    buckets: int,
    populations: Sequence[Population],
    columns: Sequence[str],
) -> BucketRows:
    """Return the snapshot of a bucket's customers, members of any of `populations`; columns that are gone are left out.

    Rows travel as CSV and are parsed by Arrow: a row of a hundred columns as Python objects takes longer than its reasons.
    """
    distinct = list(dict.fromkeys(populations))
    kinds = _kinds(connection)
    read = [name for name in dict.fromkeys(columns) if name in kinds and name != "customer_id"]
    names = ["customer_id", MEMBERSHIP, *read]
    rows = _with_values(
        f"WITH asked AS ({_asked(distinct, as_of)})\n{sql_text('scoring/bucket_rows').text}",
        {"as_of": as_of, "bucket": bucket, "buckets": buckets},
    )
    quoted = ", ".join(NAMED.identifier_preparer.quote_identifier(name) for name in names)
    content = io.BytesIO()
    cursor = connection.connection.cursor()
    cursor.copy_expert(f"COPY (SELECT {quoted} FROM ({rows}) AS rows) TO STDOUT WITH (FORMAT csv)", content)
    types = {name: pa.string() if kinds[name] == "text" else pa.float64() for name in read}
    table = _parsed(content, names, {"customer_id": pa.string(), MEMBERSHIP: pa.int64(), **types})
    return BucketRows(table, distinct)


def _parsed(content: io.BytesIO, names: list[str], types: dict[str, pa.DataType]) -> pa.Table:
    if not content.tell():
        return pa.schema([(name, types[name]) for name in names]).empty_table()
    content.seek(0)
    return csv.read_csv(
        content,
        csv.ReadOptions(column_names=names),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )


def _asked(populations: Sequence[Population], as_of: date) -> str:
    """Return the query of every population's customers with its bit."""
    parts = []
    for number, population in enumerate(populations):
        members = _with_values(population_query(population), {"as_of": as_of, "days": population.days})
        parts.append(f"SELECT customer_id, {1 << number} AS bit FROM ({members}) AS population_{number}")
    return "\nUNION ALL\n".join(parts)


def _with_values(text: str, values: Mapping[str, Any]) -> str:
    """Return a statement with its parameters written out: COPY takes none, and two populations may have equal names for theirs."""
    statement = sa.text(text)
    used = {name: values[name] for name in statement.compile().params}
    return str(statement.bindparams(**used).compile(dialect=NAMED, compile_kwargs={"literal_binds": True}))


def _kinds(connection: Connection) -> dict[str, str]:
    """Return the columns of features.customer_snapshot with PostgreSQL's names of their types."""
    rows = connection.execute(
        sa.text(
            "SELECT attname, format_type(atttypid, NULL) AS kind FROM pg_attribute"
            " WHERE attrelid = cast('features.customer_snapshot' AS regclass) AND attnum > 0 AND NOT attisdropped"
        )
    )
    return {row.attname: row.kind for row in rows}
