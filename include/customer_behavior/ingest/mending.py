"""Which columns of a block need mending, and how many ids were not taken as the file has them."""

from collections import Counter
from datetime import date

import duckdb
import pyarrow as pa

from customer_behavior.ingest.blocks import untidy
from customer_behavior.ingest.engine import identifier
from customer_behavior.ingest.ids import ID_FIELDS, mendings_sql
from customer_behavior.ingest.numbers import plain_characters
from customer_behavior.ingest.source import Source


def untidy_columns(source: Source, table: pa.Table) -> list[str]:
    """Return the columns of a block that are mended; those with texts that only this source takes for no ids always are."""
    found = untidy(table, source.id_columns, source.number_columns, plain_characters(source.decimal))
    own = source.columns_of([name for name in ID_FIELDS if source.rules.no_ids.get(name)])
    return list(dict.fromkeys([*found, *own]))


def mended(engine: duckdb.DuckDBPyConnection, source: Source, columns: list[str]) -> Counter[str]:
    """Return how many ids in the untidy `columns` of `block` are missing or changed, by field and what was done."""
    found: Counter[str] = Counter()
    for field in ID_FIELDS:
        for column in source.columns_of([field]):
            if column in columns:
                counted = engine.execute(mendings_sql(field, identifier(column), source.rules.ids(field)))
                found.update({f"{field}: {kind}": times for kind, times in counted.fetchall()})
    return +found


def apart_sql(source: Source, batch_date: date) -> str:
    """Return what is added to the values that a row's id is made from, where an equal row of another batch is another event.

    A stamp without a time of day does not tell a repeated delivery from a second, equal purchase. Unless the source says what its
    deliveries hold, such a row is another event, but for a line of an order, which its order tells.
    """
    if source.deliveries == "apart":
        return f", '{batch_date}'"
    if source.deliveries == "overlap":
        return ""
    return f", CASE WHEN date_only AND order_id IS NULL THEN '{batch_date}' END"
