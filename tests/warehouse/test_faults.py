"""What PostgreSQL refuses reaches nobody as such: each is a sentence, and says whether another try may do."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
import time

import psycopg2
import pytest
import sqlalchemy as sa
from psycopg2 import errorcodes

from customer_behavior.errors import (
    ConfigurationError,
    PlatformError,
    TemporaryError,
    WarehouseError,
    WarehouseNotReadyError,
)
from customer_behavior.local.options import REPOSITORY
from customer_behavior.local.ports import free_port
from customer_behavior.stages.migrate_warehouse import upgrade
from customer_behavior.warehouse import Warehouse
from customer_behavior.warehouse.revision import known_revisions

CODES = {code for code in vars(errorcodes).values() if isinstance(code, str) and len(code) == 5}
ERRORS = sorted(code for code in CODES if code[:2] not in ("00", "01", "02"))  # the rest are successes and warnings
PASSING = ("25P03", "53200", "53300", "55006", "55P03", "57P01", "57P02", "57P03", "57P04", "57P05")


def refused(warehouse: Warehouse, *statements: str, role: str | None = None) -> PlatformError:
    with pytest.raises(PlatformError) as caught, warehouse.begin(role) as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(
        f"the warehouse (127.0.0.1:{warehouse.url.port}, database {warehouse.url.database})"
    )
    return caught.value


@pytest.mark.parametrize(
    ("role", "statement", "sentence"),
    [
        (None, "SELECT * FROM raw.gone", 'its schema lacks what this code expects; `make up` .*relation "raw.gone" does not exist'),
        (None, "SELECT gone FROM raw.events", "its schema lacks what this code expects"),
        (None, "SELECT raw.gone()", "its schema lacks what this code expects"),
        (None, "SET LOCAL ROLE gone", "its schema lacks what this code expects"),
        ("score", "DELETE FROM models.promotions", "may not do that: roles are in docs/architecture.md.*permission denied"),
        (None, "SELECT 1/0", r"a value does not fit where it is put.*22012"),
        (None, "SET LOCAL statement_timeout = 10; SELECT pg_sleep(2)", "`statement_timeout` of the login"),
        (None, "SELEC 1", "a statement was refused, which is a fault of the code"),
    ],
)  # fmt: skip
def test_what_will_be_refused_again_says_what_to_mend(warehouse, role, statement, sentence):
    error = refused(warehouse, statement, role=role)
    assert isinstance(error, WarehouseError)
    assert re.search(sentence, str(error)), error


def test_a_row_that_breaks_a_rule_is_not_shown(warehouse):
    error = refused(
        warehouse,
        "INSERT INTO raw.ingest_batches (source, batch_date, status, files, rows_read, rows_accepted, rows_rejected, rows_duplicate,"
        " event_days) VALUES ('ann@example.com', '2024-01-01', 'loaded', '{}', 3, 1, 1, 0, '{}')",
    )
    assert "every_row_is_accounted_for" in str(error)
    assert "ann@example.com" not in str(error)


def test_copy_which_goes_past_sqlalchemy_is_spoken_for_too(warehouse):
    with pytest.raises(WarehouseError, match="a value does not fit"), warehouse.begin() as connection:
        connection.connection.cursor().copy_expert(
            "COPY raw.ingest_batches (source, batch_date) FROM STDIN", io.StringIO("till\tno date\n")
        )


def test_every_code_of_postgresql_has_a_sentence_and_the_passing_ones_are_tried_again(warehouse):
    assert len(ERRORS) > 200
    for code in ERRORS:
        error = refused(warehouse, f"DO $$ BEGIN RAISE EXCEPTION 'it said so' USING ERRCODE = '{code}'; END $$")
        passing = code[:2] in ("08", "40", "58", "XX") or code in PASSING
        assert isinstance(error, TemporaryError if passing else WarehouseError), error
        assert f"[{code}: it said so]" in str(error)


def test_a_lost_connection_is_tried_again(warehouse):
    assert isinstance(refused(warehouse, "SELECT pg_terminate_backend(pg_backend_pid())"), TemporaryError)


def test_a_deadlock_is_tried_again(warehouse):
    with warehouse.begin() as connection:
        connection.execute(sa.text("CREATE TABLE public.pair (n int); INSERT INTO public.pair VALUES (1), (2)"))
    both, errors = threading.Barrier(2), []

    def swap(first: int, second: int) -> None:
        try:
            with warehouse.begin() as connection:
                connection.execute(sa.text(f"UPDATE public.pair SET n = n WHERE n = {first}"))
                both.wait()
                connection.execute(sa.text(f"UPDATE public.pair SET n = n WHERE n = {second}"))
        except PlatformError as error:
            errors.append(error)

    threads = [threading.Thread(target=swap, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(error) for error in errors] == [TemporaryError]
    assert "two transactions waited for each other" in str(errors[0])


def test_two_who_make_the_same_partition_at_once_try_again(warehouse):
    held = psycopg2.connect(warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False))
    errors = []

    def make() -> None:
        errors.append(refused(warehouse, "CREATE TABLE IF NOT EXISTS public.twice (n int)"))

    with held, held.cursor() as cursor:
        cursor.execute("CREATE TABLE public.twice (n int)")
        other = threading.Thread(target=make)
        other.start()
        time.sleep(0.5)
    other.join()
    held.close()
    assert isinstance(errors[0], TemporaryError)


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ({"port": None}, TemporaryError, "cannot be reached, or the connection was lost .*Connection refused"),
        (
            {"password": "wrong"},
            WarehouseError,
            "the login is not let in: correct its name and password in WAREHOUSE_URL",
        ),
        ({"username": "nobody"}, WarehouseError, "the login is not let in"),
        ({"database": "gone"}, WarehouseError, "there is no such database: correct WAREHOUSE_URL"),
        ({"host": "no.such.host.invalid"}, TemporaryError, "cannot be reached"),
    ],
)
def test_a_warehouse_that_is_not_to_be_reached_is_said_to_be_so(warehouse, change, kind, sentence):
    if change == {"port": None}:
        change = {"port": free_port()}
    url = warehouse.url.set(**change).render_as_string(hide_password=False)
    with pytest.raises(kind, match=sentence), Warehouse(url).begin("ingest"):
        pass


@pytest.mark.parametrize("url", ["warehouse", "mysql://ann:secret@host/shop", "postgresql://ann:secret@host:port/shop"])
def test_an_address_that_is_none_is_said_to_be_none_without_its_password(url):
    with pytest.raises(
        ConfigurationError, match="give the warehouse as postgresql://user:password@host:port/database"
    ) as caught:
        Warehouse(url)
    assert "secret" not in str(caught.value)


# --- the schema is that of the code -----------------------------------------------------------------------------------


@pytest.fixture
def place(postgres):
    """A new, empty database."""
    postgres.create_database("place")
    yield postgres.url("place")
    postgres.drop_database("place")


def set_revision(url: str, revision: str) -> None:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE warehouse_version (version_num text); INSERT INTO warehouse_version VALUES (%s)", (revision,)
        )
    connection.close()


def test_a_warehouse_that_is_not_migrated_is_said_to_be_so_until_it_is(place):
    for _ in range(2):
        with (
            pytest.raises(
                WarehouseNotReadyError, match=r"database place is not migrated.*`make up`.*customer_behavior migrate"
            ),
            Warehouse(place).begin("ingest"),
        ):
            pass
    upgrade(place)
    with Warehouse(place).begin("ingest") as connection:
        assert connection.execute(sa.text("SELECT current_user")).scalar_one() == "ingest"


def test_an_older_warehouse_is_to_be_migrated(place):
    older, newest = known_revisions()[-1], known_revisions()[0]
    set_revision(place, older)
    with (
        pytest.raises(
            WarehouseNotReadyError,
            match=f"is at revision {older} of the schema, and this code needs {newest}: `make up`",
        ),
        Warehouse(place).begin(),
    ):
        pass


def test_a_warehouse_of_a_newer_version_needs_that_version_and_is_not_migrated(place):
    set_revision(place, "9999")
    for attempt in (lambda: Warehouse(place).begin().__enter__(), lambda: upgrade(place)):
        with pytest.raises(
            WarehouseNotReadyError, match=r"revision 9999 .* which this code does not know.* run that version"
        ):
            attempt()


def test_the_command_line_says_it_in_one_sentence(place):
    days = ("--source", "clickstream", "--from", "2024-01-01", "--to", "2024-01-02")
    environment = os.environ | {"WAREHOUSE_URL": place, "PYTHONPATH": str(REPOSITORY / "include")}
    command = [sys.executable, "-m", "customer_behavior", "replay-rejects", *days]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: database place is not migrated, it has no table of the platform: `make up`")
    assert done.stderr.count("\n") == 1


# --- one connection is kept -------------------------------------------------------------------------------------------


def backend_of(warehouse: Warehouse) -> int:
    with warehouse.begin() as connection:
        return connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()


def test_transactions_share_a_connection_until_the_server_or_the_warehouse_ends_it(postgres, warehouse):
    first = backend_of(warehouse)
    assert backend_of(warehouse) == first
    with postgres.superuser() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (first,))
    second = backend_of(warehouse)
    assert second != first
    warehouse.close()
    with postgres.superuser() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", (second,))
        assert cursor.fetchone() == (0,)
    assert backend_of(warehouse) != second


def test_a_transaction_leaves_no_role_behind(warehouse):
    with warehouse.begin("ingest"):
        pass
    with warehouse.begin() as connection:
        assert connection.execute(sa.text("SELECT current_user")).scalar_one() != "ingest"
