"""The SQL of a snapshot is carried over to DuckDB and Spark, and gives in DuckDB what it gives in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlglot import errors, exp, parse_one

from customer_behavior.features import checkpoint, snapshot
from customer_behavior.ingest import customer_day
from customer_behavior.settings import load_settings
from customer_behavior.warehouse import Warehouse, make_temporary, run_sql, sql_text
from features import random_shop
from support import engines

ROLLUP = sql_text("ingest/customer_day").text
STATEMENTS = {"customer_day": ROLLUP, **engines.statements()}
VALUES = engines.values_at(date(2024, 3, 11), date(2024, 3, 1))
IN_DUCKDB = {
    "text": "VARCHAR", "numeric": "DECIMAL(24, 10)", "timestamp with time zone": "TIMESTAMPTZ", "double precision": "DOUBLE",
}  # fmt: skip


@pytest.fixture(scope="module")
def random_warehouse(postgres, tmp_path_factory) -> Iterator[tuple[Warehouse, dict[str, str]]]:
    """A random shop, loaded, and the environment that names its configuration."""
    folder = tmp_path_factory.mktemp("shop")
    postgres.create_database("engines", template="migrated")
    warehouse = Warehouse(postgres.url("engines"))
    environment = random_shop.configure(folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        random_shop.land(folder / "landing", random_shop.draw(5))
        random_shop.load(warehouse, random_shop.FIRST, random_shop.LAST)
    yield warehouse, environment
    warehouse.engine.dispose()
    postgres.drop_database("engines")


@pytest.fixture
def loaded(random_warehouse, monkeypatch) -> Warehouse:
    warehouse, environment = random_warehouse
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return warehouse


@pytest.fixture
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'; CREATE SCHEMA features")
        yield engine


def copy(connection: Connection, table: str, duck: duckdb.DuckDBPyConnection) -> None:
    """Copy a table of PostgreSQL into DuckDB, with its types."""
    types = connection.execute(
        sa.text(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
            " WHERE attrelid = cast(:table AS regclass) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        ),
        {"table": table},
    ).all()
    duck.execute(f"CREATE TABLE {table} ({', '.join(f'{name} {IN_DUCKDB.get(kind, kind)}' for name, kind in types)})")
    rows = connection.execute(sa.text(f"SELECT {', '.join(name for name, _ in types)} FROM {table}")).all()
    assert rows
    copied = pa.table({name: list(values) for (name, _), values in zip(types, zip(*rows, strict=True), strict=True)})
    duck.register("copied", copied)
    duck.execute(f"INSERT INTO {table} SELECT * FROM copied")
    duck.unregister("copied")


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
@pytest.mark.parametrize("name", STATEMENTS)
def test_every_statement_of_a_snapshot_has_a_form_in_other_engines(name, engine):
    carried = engines.translated(STATEMENTS[name], engine, **VALUES)
    statement = parse_one(carried, read=engine)
    assert isinstance(statement, exp.Query | exp.Insert)
    assert not list(statement.find_all(exp.Command, exp.Placeholder))


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_what_an_engine_has_not_is_said(engine):
    with pytest.raises(errors.UnsupportedError, match="FOR UPDATE"):
        engines.translated("SELECT a FROM b FOR UPDATE", engine)


def test_the_rollup_in_duckdb_has_the_rows_of_postgresql(loaded, duck):
    columns = ", ".join(customer_day.COLUMNS)
    ordered = f"SELECT {columns} FROM rolled ORDER BY customer_id, event_day, batch_date"
    with loaded.begin() as connection:
        customer_day.begin(connection)
        source = {"source": "web", "days": [random_shop.FIRST + timedelta(days=n) for n in range(random_shop.DAYS)]}
        connection.execute(
            sa.text(
                "INSERT INTO touched (customer_id, event_day)"
                " SELECT DISTINCT customer_id, event_day FROM raw.events WHERE source = 'web' AND customer_id IS NOT NULL"
            )
        )
        run_sql(connection, "ingest/day_versions", **source)
        run_sql(connection, "ingest/day_events", **source, timezone=str(random_shop.ZONE), reach=random_shop.LATENESS)
        make_temporary(connection, "rolled", ROLLUP)
        copy(connection, "day_events", duck)
        wanted = [tuple(row) for row in connection.execute(sa.text(ordered))]
    duck.execute(f"CREATE TABLE rolled AS {engines.translated(ROLLUP, 'duckdb')}")
    assert len(wanted) > 100
    assert duck.execute(ordered).fetchall() == wanted


@pytest.mark.parametrize("days_before_the_end", [0, 6, 48, 100])
def test_a_snapshot_in_duckdb_has_the_rows_of_postgresql(loaded, duck, days_before_the_end):
    as_of = random_shop.LAST - timedelta(days=days_before_the_end)
    snapshot.build(loaded, load_settings(), as_of)
    with loaded.begin("score") as connection:
        copy(connection, "features.customer_day", duck)
        copy(connection, "features.customer_checkpoint", duck)
        start = checkpoint.usable(connection, as_of)
    assert start is not None
    engines.take_snapshot(duck, as_of, start)
    columns = list(load_settings().catalogue.columns)
    rows = duck.execute(f"SELECT customer_id, {', '.join(columns)} FROM features.customer_snapshot").fetchall()
    wanted = random_shop.taken(loaded, as_of)
    assert len(wanted) > 5
    assert {customer: dict(zip(columns, values, strict=True)) for customer, *values in rows} == wanted
