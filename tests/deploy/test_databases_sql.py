"""The scripts that make the container stack's databases, run by psql on a real server as the postgres image would."""

import os
import subprocess
from pathlib import Path

import psycopg2
import pytest

from customer_behavior.local.postgres import AIRFLOW, WAREHOUSE, EmbeddedPostgres
from customer_behavior.local.secrets_file import read_json
from customer_behavior.stages.migrate_warehouse import upgrade

SCRIPTS = sorted((Path(__file__).resolve().parents[2] / "deploy/postgres").glob("*.sql"))
PASSWORDS = {
    "AIRFLOW_DB_PASSWORD": "for-airflow",
    "WAREHOUSE_DB_PASSWORD": "it's: for the warehouse",
    "MLFLOW_DB_PASSWORD": "for-mlflow",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of this test's own: the script makes roles, and roles are the server's."""
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("stack"), {"fsync": "off"})
    try:
        postgres.start()
        for name in (AIRFLOW, WAREHOUSE):  # the public image has none of the script's databases
            postgres.drop_database(name)
        superuser = read_json(postgres.state_dir / "postgres" / "server.json")["superuser_password"]
        for script in SCRIPTS:
            subprocess.run(
                [postgres.binaries / "psql", "-v", "ON_ERROR_STOP=1", "-f", script],
                env=os.environ
                | PASSWORDS
                | {"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), "PGUSER": "postgres", "PGPASSWORD": superuser},
                check=True,
                capture_output=True,
            )
        yield postgres
    finally:
        postgres.destroy()


def connect(server, user, password, database):
    return psycopg2.connect(host="127.0.0.1", port=server.port, user=user, password=password, dbname=database)


def fetch(server, user, password, database, query):
    connection = connect(server, user, password, database)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


@pytest.mark.parametrize("owner", ["airflow", "warehouse", "mlflow"])
def test_each_database_has_an_owner_who_is_no_superuser(server, owner):
    password = PASSWORDS[f"{owner.upper()}_DB_PASSWORD"]
    query = (
        "SELECT pg_get_userbyid(datdba), datlocale, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
        " FROM pg_database WHERE datname = current_database()"
    )
    assert fetch(server, owner, password, owner, query) == [(owner, "C.UTF-8", False)]


def test_the_warehouse_owner_migrates_and_makes_logins_that_see_marketing_alone(server):
    password = PASSWORDS["WAREHOUSE_DB_PASSWORD"]
    upgrade(f"postgresql://warehouse:it%27s%3A%20for%20the%20warehouse@127.0.0.1:{server.port}/warehouse")
    fetch(
        server, "warehouse", password, "warehouse", "CREATE ROLE anna LOGIN PASSWORD 'secret' IN ROLE marketing_reader"
    )
    assert fetch(server, "anna", "secret", "warehouse", "SELECT count(*) FROM marketing.customer_scores_latest") == [
        (0,)
    ]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        fetch(server, "anna", "secret", "warehouse", "SELECT 1 FROM raw.events")


@pytest.mark.parametrize(
    ("user", "database"), [("warehouse", "airflow"), ("warehouse", "mlflow"), ("mlflow", "airflow")]
)
def test_records_of_airflow_and_mlflow_open_to_their_owner_alone(server, user, database):
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        connect(server, user, PASSWORDS[f"{user.upper()}_DB_PASSWORD"], database)


def test_nobody_makes_large_objects_in_the_warehouse(server):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        fetch(server, "warehouse", PASSWORDS["WAREHOUSE_DB_PASSWORD"], "warehouse", "SELECT lo_create(0)")
