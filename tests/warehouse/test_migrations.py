"""The schema: comments everywhere, roles that may do their work and no more, migrations that can be run again and undone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import psycopg2
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from customer_behavior.errors import WarehouseError
from customer_behavior.paths import MIGRATIONS_DIR
from customer_behavior.stages.migrate_warehouse import upgrade
from customer_behavior.warehouse import Warehouse, ensure_partitions
from support.mornings import write_scores

SCHEMAS = "('raw', 'features', 'models', 'marketing', 'monitoring')"


def rows(warehouse: Warehouse, statement: str, role: str | None = None) -> list[tuple]:
    with warehouse.begin(role) as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement))]


def test_every_table_and_column_has_a_comment(warehouse):
    silent = rows(
        warehouse,
        f"""
        SELECT n.nspname, c.relname, a.attname
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE n.nspname IN {SCHEMAS} AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
          AND (obj_description(c.oid) IS NULL OR col_description(c.oid, a.attnum) IS NULL)
        """,
    )
    assert silent == []
    assert len(rows(warehouse, f"SELECT 1 FROM pg_tables WHERE schemaname IN {SCHEMAS}")) > 20


def test_migrating_again_changes_nothing(warehouse):
    url = warehouse.url.render_as_string(hide_password=False)
    assert upgrade(url) == upgrade(url)


def test_marketing_reader_sees_marketing_and_nothing_else(warehouse):
    assert rows(warehouse, "SELECT count(*) FROM marketing.customer_scores_latest", "marketing_reader") == [(0,)]
    for table in ("raw.events", "features.customer_day", "models.scores", "monitoring.alerts"):
        with pytest.raises(WarehouseError, match="permission denied"):
            rows(warehouse, f"SELECT * FROM {table}", "marketing_reader")
    with pytest.raises(WarehouseError, match="permission denied"):
        rows(warehouse, "DELETE FROM marketing.customer_scores RETURNING 1", "marketing_reader")


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("ingest", "DELETE FROM models.promotions RETURNING 1"),
        ("train", "DELETE FROM raw.events RETURNING 1"),
        ("score", "INSERT INTO models.promotions (target) VALUES ('purchase') RETURNING 1"),
        ("api", "DELETE FROM models.scores RETURNING 1"),
        ("api", "SELECT models.open_scores('2024-03-31')"),
        ("score", "DELETE FROM models.scores RETURNING 1"),
        ("score", "CREATE TABLE raw.mine (x int)"),
    ],
)
def test_a_role_does_its_own_work_only(warehouse, role, statement):
    with pytest.raises(WarehouseError, match="permission denied"):
        rows(warehouse, statement, role)


def test_a_role_that_does_not_exist_is_refused_before_any_sql(warehouse):
    with pytest.raises(ValueError, match="valid Role"), warehouse.begin("root; DROP TABLE raw.events"):
        pass


def test_partitions_are_made_once_by_a_role_that_may_not_create_tables(warehouse):
    with warehouse.begin("ingest") as connection:
        for _ in range(2):
            ensure_partitions(connection, "raw.events", date(2024, 2, 28), date(2024, 3, 1))
    with warehouse.begin("score") as connection:
        ensure_partitions(connection, "marketing.customer_scores", date(2024, 2, 28), date(2024, 3, 1), unit="month")
    names = rows(warehouse, "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1")
    assert [name for (name,) in names] == [
        "customer_scores_202402", "customer_scores_202403", "events_20240228", "events_20240229", "events_20240301",
    ]  # fmt: skip


def test_partitions_are_made_of_the_platform_s_tables_only(warehouse):
    with (
        pytest.raises(WarehouseError, match="no partitioned table of the platform"),
        warehouse.begin("ingest") as c,
    ):
        ensure_partitions(c, "pg_catalog.pg_class", date(2024, 1, 1), date(2024, 1, 1))


def test_the_ledger_refuses_rows_that_do_not_add_up(warehouse):
    with (
        pytest.raises(WarehouseError, match="every_row_is_accounted_for"),
        warehouse.begin("ingest") as connection,
    ):
        connection.execute(
            sa.text(
                "INSERT INTO raw.ingest_batches (source, batch_date, status, files, rows_read, rows_accepted, rows_rejected,"
                " rows_duplicate, event_days) VALUES ('till', '2024-01-01', 'loaded', '{}', 3, 1, 1, 0, '{}')"
            )
        )


def test_a_wrong_password_is_refused(warehouse):
    url = warehouse.url.set(password="wrong").render_as_string(hide_password=False).replace("+psycopg2", "")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(url)


def test_scores_are_kept_when_their_partitions_become_days_and_months_again(warehouse):
    for day in (date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)):
        write_scores(warehouse, day, {"ann": 0.5, "bob": 0.2})
    scores = "SELECT as_of_date, customer_id, probability, reasons::text, scored_at FROM models.scores ORDER BY 1, 2"
    before = rows(warehouse, scores)
    migrate(warehouse, command.downgrade, "0011")
    assert partitions_of_scores(warehouse) == ["scores_202402", "scores_202403"]
    assert rows(warehouse, scores) == before
    migrate(warehouse, command.upgrade, "head")
    assert partitions_of_scores(warehouse) == ["scores_20240228", "scores_20240229", "scores_20240301"]
    assert rows(warehouse, scores) == before


def test_consents_that_were_delivered_before_hold_after_the_migration(warehouse):
    migrate(warehouse, command.downgrade, "0015")
    said = [
        ("ann", 1, "false"),
        ("ann", 2, "null"),
        ("ann", 3, "false"),
        ("bob", 1, "false"),
        ("bob", 2, "true"),
        ("cat", 1, "null"),
    ]
    with warehouse.begin() as connection:
        for who, day, consent in said:
            connection.execute(
                sa.text(
                    "INSERT INTO raw.customer_versions (source, customer_id, valid_from, consent)"
                    f" VALUES ('crm', :who, date '2024-03-01' + :day, {consent})"
                ),
                {"who": who, "day": day},
            )
    migrate(warehouse, command.upgrade, "head")
    assert rows(warehouse, "SELECT * FROM marketing.suppression_now ORDER BY 1", "marketing_reader") == [
        ("ann", "no consent to be contacted", "crm", date(2024, 3, 2)),
        ("cat", "consent to be contacted is not known", None, None),
    ]


def migrate(warehouse: Warehouse, move: Callable[[Config, str], None], revision: str) -> None:
    with warehouse.begin() as connection:
        config = Config(str(MIGRATIONS_DIR / "alembic.ini"))
        config.attributes["connection"] = connection
        move(config, revision)


def partitions_of_scores(warehouse: Warehouse) -> list[str]:
    found = rows(
        warehouse, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'models.scores'::regclass"
    )
    return sorted(name.removeprefix("models.") for (name,) in found)
