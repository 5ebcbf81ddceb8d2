"""Each role, as itself, at what it must not do; and the privileges of all tables against the matrix of docs/architecture.md."""

from __future__ import annotations

import re
import uuid

import pytest
import sqlalchemy as sa

from customer_behavior.errors import WarehouseError
from customer_behavior.names import Role
from customer_behavior.paths import REPO_DIR
from customer_behavior.stages.migrate_warehouse import upgrade
from customer_behavior.warehouse import Warehouse
from support.mornings import D, days, execute, query, write_model

SCHEMAS = ("raw", "features", "models", "marketing", "monitoring")
WRITING = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
# What nobody but the owner may take back or change; and who may add to it.
APPEND_ONLY = {
    "models.promotions": "train",
    "models.decisions": "train",
    "models.model_versions": "train",
    "models.model_files": "train",
    "models.evaluations": "train",
    "models.gain_table": "train",
    "models.thresholds": "train",
    "models.tuning_trials": "train",
    "models.training_findings": "train",
    "marketing.audience_members": "score",
    "marketing.audience_lift": "score",
    "monitoring.model_performance": "score",
    "monitoring.write_audit": "ingest train score",
}
FORBIDDEN = [
    ("train", "DELETE FROM models.promotions"),
    ("train", "UPDATE models.promotions SET model_id = 'x'"),
    ("train", "TRUNCATE models.promotions"),
    ("train", "DELETE FROM models.scores"),
    ("train", "INSERT INTO models.scores SELECT * FROM models.scores"),
    ("train", "DELETE FROM models.score_staging"),
    ("train", "DELETE FROM models.evaluations"),
    ("train", "DELETE FROM models.decisions"),
    ("train", "UPDATE monitoring.retraining_requests SET reason = ''"),
    ("train", "DELETE FROM monitoring.write_audit"),
    ("train", "SELECT monitoring.withdraw_alerts('2024-03-10', '{}')"),
    ("score", "DELETE FROM monitoring.alerts"),
    ("score", "DELETE FROM monitoring.model_performance"),
    ("score", "UPDATE monitoring.model_performance SET n = 0"),
    ("score", "UPDATE monitoring.alerts SET kind = 'x'"),
    ("score", "DELETE FROM monitoring.retraining_requests"),
    ("score", "DELETE FROM marketing.audience_members"),
    ("score", "UPDATE marketing.audience_lift SET lift = 1"),
    ("score", "DELETE FROM models.scores"),
    ("score", "SELECT models.make_way('m')"),
    ("score", "SELECT * FROM raw.erased_customers"),
    ("ingest", "DELETE FROM raw.ingest_batches"),
    ("ingest", "UPDATE raw.rejected_events SET raw_text = ''"),
    ("ingest", "DELETE FROM raw.erased_customers"),
    ("ingest", "INSERT INTO raw.erased_customers VALUES ('x', 'name', now())"),
    ("ingest", "UPDATE raw.erasure_salt SET salt = ''"),
    ("ingest", "DELETE FROM monitoring.write_audit"),
    ("api", "SELECT * FROM raw.events"),
    ("api", "CREATE TEMPORARY TABLE mine (x int)"),
    ("marketing_reader", "CREATE TEMPORARY TABLE mine (x int)"),
    ("marketing_reader", "SELECT * FROM raw.erased_customers"),
    *((role, "SELECT lo_create(0)") for role in Role),
    *((role, "SELECT lo_from_bytea(0, 'x')") for role in Role),
    *((role, "CREATE TABLE public.mine (x int)") for role in Role),
    *((role, "CREATE TABLE marketing.mine (x int)") for role in Role),
    *((role, "CREATE SCHEMA mine") for role in Role),
]


@pytest.fixture(scope="module")
def fresh(postgres):
    """A warehouse that was migrated itself: the rights on a database are not copied with it."""
    name = f"roles_{uuid.uuid4().hex[:8]}"
    postgres.create_database(name)
    upgrade(postgres.url(name))
    yield Warehouse(postgres.url(name))
    postgres.drop_database(name)


@pytest.mark.parametrize(("role", "statement"), FORBIDDEN)
def test_a_role_may_not(fresh, role, statement):
    with pytest.raises(WarehouseError, match="permission denied"), fresh.begin(role) as connection:
        connection.execute(sa.text(statement))


@pytest.mark.parametrize("role", ["ingest", "train", "score"])
def test_stages_may_make_temporary_tables(fresh, role):
    with fresh.begin(role) as connection:
        connection.execute(sa.text("CREATE TEMPORARY TABLE mine ON COMMIT DROP AS SELECT 1 AS x"))


def test_a_login_that_is_a_member_of_no_role_makes_nothing(fresh, postgres):
    with postgres.superuser(fresh.url.database) as cursor:
        cursor.execute("CREATE ROLE stranger LOGIN PASSWORD 'for-the-test'")
    try:
        stranger = Warehouse(fresh.url.set(username="stranger", password="for-the-test").render_as_string(False))
        for statement in (
            "CREATE TEMPORARY TABLE mine (x int)",
            "CREATE TABLE public.mine (x int)",
            "SELECT lo_create(0)",
        ):
            with pytest.raises(WarehouseError, match="permission denied"), stranger.begin() as connection:
                connection.execute(sa.text(statement))
    finally:
        with postgres.superuser(fresh.url.database) as cursor:
            cursor.execute("DROP ROLE stranger")


def privileges(warehouse):
    """Return {(table, role): privileges on the whole table}."""
    rows = query(
        warehouse,
        "SELECT spaces.nspname || '.' || tables.relname AS name, cast(cast(acl.grantee AS regrole) AS text) AS role,"
        " array_agg(acl.privilege_type ORDER BY acl.privilege_type) AS allowed"
        " FROM pg_class AS tables JOIN pg_namespace AS spaces ON spaces.oid = tables.relnamespace,"
        " LATERAL aclexplode(tables.relacl) AS acl"
        " WHERE tables.relkind IN ('r', 'p') AND NOT tables.relispartition AND acl.grantee <> tables.relowner"
        " AND spaces.nspname = ANY (:schemas) GROUP BY 1, 2",
        schemas=list(SCHEMAS),
    )
    return {(row["name"], row["role"]): set(row["allowed"]) for row in rows}


def test_append_only_is_append_only(fresh):
    for (table, role), allowed in privileges(fresh).items():
        assert "TRUNCATE" not in allowed, (table, role)
        if table in APPEND_ONLY:
            writes = {"INSERT"} if role in APPEND_ONLY[table].split() else set()
            assert allowed & set(WRITING) == writes, (table, role)


def test_the_matrix_of_the_documents_is_that_of_the_database(fresh):
    text = (REPO_DIR / "docs" / "architecture.md").read_text()
    table = text.partition("| written table |")[2].partition("\n\n")[0]
    said = {}
    for line in table.splitlines()[2:]:
        names, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        for name in re.findall(r"`([a-z_.]+)`", names):
            for role, cell in zip(("ingest", "train", "score"), cells, strict=True):
                if cell:
                    said[name, role] = {word.upper() for word in cell.replace(",", " ").split()}
    found = {place: writes for place, allowed in privileges(fresh).items() if (writes := allowed & set(WRITING))}
    assert found == said


def test_a_model_is_replaced_and_never_removed(warehouse):
    write_model(warehouse, "m")
    with (
        pytest.raises(WarehouseError, match=r"rows of models\.model_versions are replaced, never removed"),
        warehouse.begin("train") as connection,
    ):
        connection.execute(sa.text("SELECT models.make_way('m')"))
    assert query(warehouse, "SELECT model_id FROM models.model_versions") == [{"model_id": "m"}]


def test_a_judgement_is_replaced_and_never_removed(warehouse):
    execute(
        warehouse,
        "INSERT INTO monitoring.model_performance (scored_as_of, target, horizon_days, judged_as_of, model_id, n, base_rate,"
        " mean_predicted, auc, brier, log_loss, ece) VALUES (:day, 'purchase', 7, :later, 'm', 1, 0, 0, 0.5, 0, 0, 0)",
        day=D,
        later=D + days(8),
    )
    with (
        pytest.raises(WarehouseError, match="are replaced, never removed"),
        warehouse.begin("score") as connection,
    ):
        connection.execute(sa.text("SELECT monitoring.make_way(:day, 'purchase', 7)"), {"day": D})
    assert query(warehouse, "SELECT n FROM monitoring.model_performance") == [{"n": 1}]
