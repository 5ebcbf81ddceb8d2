"""The SQL of the features in other engines: written for PostgreSQL, carried over by sqlglot.

What sqlglot leaves as it is although Spark reads it otherwise is rewritten here, on the parsed statement: each is a line of `SPARK`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types

from customer_behavior.features.windows import bands_sql, insert_sql
from customer_behavior.settings import load_settings, load_shop
from customer_behavior.warehouse import sql_text

Value = date | int | None | list[str]
DAYS = dict.fromkeys(("event_day", "batch_date", "superseded_on"), "date")
LIFETIME_DAYS = {
    f"{which}_{of}_day": "date" for which, of in (
        ("first", "event"), ("last", "event"), ("last", "view"), ("last", "cart"), ("first", "purchase"), ("last", "purchase"),
    )
}  # fmt: skip
SCHEMA: dict[str, object] = {
    "features": {"customer_day": DAYS, "customer_checkpoint": LIFETIME_DAYS},
    "temporary": {"lifetime": LIFETIME_DAYS, "purchases": DAYS},
}


def statements() -> dict[str, str]:
    """Return the queries of a snapshot by the temporary table that keeps each, in their order; at last, as `insert`, the INSERT."""
    features = load_settings().catalogue.columns
    return {
        "lifetime": sql_text("features/lifetime").text,
        "bands": bands_sql(features.values()),
        "purchases": sql_text("features/snapshot/purchases").text,
        "insert": insert_sql(features),
    }


def values_at(as_of: date, checkpoint: date | None) -> dict[str, Value]:
    """Return a value for each `:name` of those statements, for the configured shop."""
    shop = load_shop()
    return {
        "as_of": as_of,
        "before": as_of,
        "known_until": as_of,
        "checkpoint": checkpoint,
        "staff": list(shop.staff),
        "max_events": shop.bots.max_events_per_day,
        "max_orders": shop.bots.max_orders_per_day,
    }


def take_snapshot(engine: duckdb.DuckDBPyConnection, as_of: date, checkpoint: date | None) -> None:
    """Make features.customer_snapshot in DuckDB, from its features.customer_day and features.customer_checkpoint."""
    kinds = {"number": "DOUBLE", "category": "VARCHAR"}
    columns = ", ".join(f"{name} {kinds[feature.kind]}" for name, feature in load_settings().catalogue.columns.items())
    engine.execute(f"CREATE TABLE features.customer_snapshot (as_of_date DATE, customer_id VARCHAR, {columns})")
    for table, statement in statements().items():
        sql = translated(statement, "duckdb", **values_at(as_of, checkpoint))
        engine.execute(sql if table == "insert" else f"CREATE TEMPORARY TABLE {table} AS {sql}")


def translated(statement: str, engine: str, **values: Value) -> str:
    """Return a statement of PostgreSQL in the SQL of `duckdb` or `spark`, with a value for each `:name`.

    Raises
    ------
    sqlglot.errors.UnsupportedError
        When the engine has no such construct.
    """
    tree = sqlglot.parse_one(statement, read="postgres")
    for parameter in list(tree.find_all(exp.Placeholder)):
        parameter.replace(literal(values[parameter.name]))
    if engine == "spark":
        query = tree.expression if isinstance(tree, exp.Insert) else tree
        annotate_types(query, schema=SCHEMA, dialect="postgres")
        for node in reversed(list(tree.find_all(*SPARK))):  # what is within another one first
            node.replace(SPARK[type(node)](node))
    return tree.sql(dialect=engine, unsupported_level=sqlglot.ErrorLevel.RAISE)


def literal(value: Value) -> exp.Expr:
    """Return a value as a literal of its type."""
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    return exp.convert(value)


def _part_of_time(node: exp.Extract) -> exp.Expr:
    """ISODOW is DAYOFWEEK_ISO; the seconds of an interval are those between two stamps."""
    part, of = node.name.upper(), node.expression
    if part == "ISODOW":
        return exp.Extract(this=exp.var("DAYOFWEEK_ISO"), expression=of)
    if part == "EPOCH" and isinstance(of.unnest(), exp.Sub):
        micros = [exp.func("unix_micros", side) for side in (of.unnest().left, of.unnest().right)]
        return exp.Div(this=exp.paren(exp.Sub(this=micros[0], expression=micros[1])), expression=exp.convert(1_000_000))
    return node


def _days_between(node: exp.Sub) -> exp.Expr:
    """A date less a date is an interval in Spark, not a number of days."""
    if node.left.is_type("date") and node.right.is_type("date"):
        return exp.func("datediff", node.left, node.right, dialect="spark")
    return node


def _in_order(node: exp.ArrayAgg) -> exp.Expr:
    """An aggregate of Spark knows no order; what is collected is sorted instead."""
    if isinstance(node.this, exp.Order):
        return exp.func("sort_array", exp.ArrayAgg(this=node.this.this))
    return node


SPARK: dict[type[exp.Expr], Callable[..., exp.Expr]] = {
    exp.Extract: _part_of_time,
    exp.Sub: _days_between,
    exp.ArrayAgg: _in_order,
    exp.Collate: lambda node: node.this,  # texts are ordered by their bytes unless a session says otherwise
}
