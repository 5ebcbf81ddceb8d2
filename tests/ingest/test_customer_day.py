"""The rollup has one definition and two engines: what DuckDB makes of a load, PostgreSQL makes of raw.events."""

from __future__ import annotations

import io
import re
from datetime import date

import sqlalchemy as sa

from customer_behavior.ingest import customer_day
from customer_behavior.stages.ingest_events import ingest
from customer_behavior.stages.migrate_warehouse import upgrade
from customer_behavior.warehouse import Warehouse, ensure_partitions, sql_text
from support import small_shop
from support.small_shop import line


def test_both_engines_make_the_same_rows(warehouse, tmp_path, monkeypatch):
    for name, value in small_shop.configure(tmp_path).items():
        monkeypatch.setenv(name, value)
    first = small_shop.FIRST_DAY
    small_shop.land_history(tmp_path / "landing", 3)
    odd = [
        line(f"{first} 23:59:59.5", basket="", customer="c1", price="0.333", units=3),
        line(f"{first} 23:59:59.5", basket="", customer="c1", price="", units=2),
        line(f"{first} 04:00:00", basket="x", customer="c1", price="19.99", units="0.25", off="0.015"),
        line(f"{first} 05:00:00", basket="x", customer="c1", price="7", units=-2),
        line(f"{first} 06:00:00", type="view", customer="c2", basket="", price=""),
        line(f"{first} 07:00:00", type="remove_from_cart", customer="", basket="nobody"),
    ]
    small_shop.land(tmp_path / "landing", first, odd)
    ingest(warehouse, small_shop.SOURCE, first, date(2024, 1, 3))

    def rows(connection) -> list[tuple]:
        return [
            tuple(row) for row in connection.execute(sa.text("SELECT * FROM features.customer_day ORDER BY 1, 2, 3"))
        ]

    with warehouse.begin("ingest") as connection:
        by_duckdb = rows(connection)
        customer_day.begin(connection)
        connection.execute(sa.text("INSERT INTO touched SELECT customer_id, event_day FROM features.customer_day"))
        deleted, written = customer_day.rebuild_touched(connection, small_shop.SOURCE, "America/New_York", reach=3)
        assert deleted == written == len(by_duckdb) > 20
        assert rows(connection) == by_duckdb


def test_a_warehouse_from_before_the_wider_rollup_has_it_filled_when_it_is_migrated(
    warehouse, postgres, tmp_path, monkeypatch
):
    for name, value in small_shop.configure(tmp_path).items():
        monkeypatch.setenv(name, value)
    small_shop.land_history(tmp_path / "landing", 3)
    ingest(warehouse, small_shop.SOURCE, small_shop.FIRST_DAY, date(2024, 1, 3))
    postgres.create_database("older")
    upgrade(postgres.url("older"), "0007")
    older = Warehouse(postgres.url("older"))
    with warehouse.begin() as source, older.begin_unmigrated() as target:
        ensure_partitions(target, "raw.events", small_shop.FIRST_DAY, date(2024, 1, 3))
        for schema, table in (("raw", "events"), ("raw", "ingest_batches")):
            rows = io.StringIO()
            columns = ", ".join(column["name"] for column in sa.inspect(target).get_columns(table, schema))
            source.connection.cursor().copy_expert(f"COPY (SELECT {columns} FROM {schema}.{table}) TO STDOUT", rows)
            rows.seek(0)
            target.connection.cursor().copy_expert(f"COPY {schema}.{table} ({columns}) FROM STDIN", rows)
    upgrade(postgres.url("older"))
    tables = []
    for one in (warehouse, older):
        with one.begin() as connection:
            tables.append(connection.execute(sa.text("SELECT * FROM features.customer_day ORDER BY 1, 2, 3")).all())
    older.engine.dispose()
    postgres.drop_database("older")
    assert tables[0] == tables[1]
    assert len(tables[0]) > 20


def test_every_column_decides_whether_a_version_changed_something():
    compared = set(re.findall(r"rolled\.(\w+)", sql_text("ingest/changed_versions").text))
    assert compared == set(customer_day.COLUMNS) - {"source"}
