"""The local stack as one object: PostgreSQL, Airflow's four components, MLflow and a mail sink, started and ended together."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from customer_behavior.local import keys, mlflow_server, processes
from customer_behavior.local.api import AirflowApi
from customer_behavior.local.components import AIRFLOW_COMMANDS, Component, airflow, tail
from customer_behavior.local.environment import airflow_environment
from customer_behavior.local.errors import AirflowError
from customer_behavior.local.mlflow_server import MLFLOW
from customer_behavior.local.options import REPOSITORY, StackOptions, plain_url
from customer_behavior.local.ports import free_port, is_free
from customer_behavior.local.postgres import AIRFLOW, WAREHOUSE, EmbeddedPostgres
from customer_behavior.local.secrets_file import private_directory, write_json
from customer_behavior.stages.migrate_warehouse import upgrade

Say = Callable[[str], None]
_READY_SECONDS = 180.0
_MLFLOW_REST_SECONDS = 60.0  # between two starts: one that cannot start would take a processor for itself


class LocalStack:
    """A real Airflow on an embedded PostgreSQL; a context manager that starts and stops it.

    Examples
    --------
    >>> options = StackOptions(state_dir=Path("state"), follow_schedules=False, paused_at_creation=False)
    >>> with LocalStack(options) as stack:  # doctest: +SKIP
    ...     stack.api.trigger("ingest_events")
    """

    def __init__(self, options: StackOptions, say: Say = lambda _: None) -> None:
        self.options = options
        self.keys = keys.load(options.state_dir)
        self.postgres = EmbeddedPostgres(options.state_dir, options.postgres_settings)
        self.components: dict[str, Component] = {}
        self._say = say
        self._watchdog: subprocess.Popen[str] | None = None
        self._sessions: set[int] = set()
        self._api: AirflowApi | None = None
        self._environment: dict[str, str] = {}
        self._mlflow_port: int | None = None
        self._mlflow_started = 0.0

    # --- life -------------------------------------------------------------------------------------------------

    def __enter__(self) -> LocalStack:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and return when Airflow is healthy and has read every DAG file; stop it all on failure."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self, patience: float = 5.0) -> None:
        """End everything the stack started: Airflow and its tasks, whatever session they are in, then PostgreSQL."""
        if self._api:
            self._api.close()
        processes.end_all(self.processes, patience)
        for component in self.components.values():
            component.kill()  # reaps it
        self.postgres.stop()
        if self._watchdog and self._watchdog.stdin:
            self._tell_watchdog(done=True)
            self._watchdog.stdin.close()
            self._watchdog.wait()
            self._watchdog = None

    def heal(self) -> list[str]:
        """Start again whatever has died, PostgreSQL included; return the names of what had."""
        dead = [name for name, component in self.components.items() if component.pid is None]
        if not self.postgres.is_running():
            self.postgres.start()
            dead.insert(0, "postgres")
        if MLFLOW in dead and time.monotonic() < self._mlflow_started + _MLFLOW_REST_SECONDS:
            dead.remove(MLFLOW)
        for name in dead:
            if name != "postgres":
                self._launch(self.components[name])
        return dead

    # --- what callers use -------------------------------------------------------------------------------------

    @property
    def api(self) -> AirflowApi:
        """The REST API's client; available once started."""
        if self._api is None:
            raise AirflowError("The stack has not been started.")
        return self._api

    @property
    def warehouse_url(self) -> str:
        """The warehouse: the user's own, else the embedded one."""
        return plain_url(self.options.warehouse_url or self.postgres.url(WAREHOUSE))

    @property
    def tracking_uri(self) -> str:
        """MLflow: the user's own, else the one beside Airflow; empty where there is none."""
        if self.options.tracking_uri is not None:
            return self.options.tracking_uri
        return f"http://127.0.0.1:{self._mlflow_port}" if self._mlflow_port else ""

    @property
    def log_dir(self) -> Path:
        """The logs of the components."""
        return self.options.state_dir / "airflow" / "logs"

    @property
    def mail_dir(self) -> Path:
        """Where mails end up as ``.eml`` files, unless the user set ``AIRFLOW_CONN_SMTP_DEFAULT``."""
        return self.options.state_dir / "mail"

    def processes(self) -> list[int]:
        """Every process of the stack but PostgreSQL and the watchdog."""
        return processes.of_stack(self.keys.stack_token, self._sessions)

    def run_tool(self, name: str, *arguments: str) -> None:
        """Run a Python command in the stack's environment to its end; what it writes goes to ``logs/<name>.log``."""
        tool = Component(name, [sys.executable, *arguments], self._environment, self.log_dir / f"{name}.log")
        self._launch(tool)
        if tool.wait() != 0:
            raise AirflowError(f"{name} failed; the end of {tool.log}:\n{tail(tool.log)}")

    def kill(self, name: str) -> None:
        """kill -9 a component alone, as an out-of-memory killer would; what it had started lives on."""
        self.components[name].kill()

    def restart(self, name: str) -> None:
        """Start a component again after :meth:`kill`."""
        if self.components[name].pid is None:
            self._launch(self.components[name])

    def kill_scheduler(self) -> None:
        """kill -9 the scheduler; LocalExecutor's workers and running tasks live on."""
        self.kill("scheduler")

    def restart_scheduler(self) -> None:
        """Start the scheduler again."""
        self.restart("scheduler")

    # --- how it is done ---------------------------------------------------------------------------------------

    def _start(self) -> None:
        state_dir = private_directory(self.options.state_dir)
        for directory in (state_dir / "airflow", self.log_dir, self.mail_dir, state_dir / "landing"):
            private_directory(directory)
        self._start_watchdog()
        self._say("Starting PostgreSQL")
        self.postgres.start()
        self._say("Bringing the warehouse to the newest schema")
        upgrade(self.warehouse_url)
        api_port = _port(self.options.api_port)
        smtp_port = free_port()
        self._start_mlflow()
        self._environment = environment = airflow_environment(
            self.options,
            self.keys,
            metadata_url=self.postgres.url(AIRFLOW),
            warehouse_url=self.warehouse_url,
            api_port=api_port,
            smtp_port=smtp_port,
            tracking_uri=self.tracking_uri,
        )
        write_json(state_dir / "airflow" / "passwords.json", {"admin": self.keys.admin_password})
        self._api = AirflowApi(f"http://127.0.0.1:{api_port}", self.keys.admin_password)
        self._say("Preparing Airflow's metadata database")
        self.run_tool("db-migrate", "-m", "airflow", "db", "migrate")
        self._say("Starting Airflow: API server, scheduler, DAG processor, triggerer")
        sink = [sys.executable, "-m", "customer_behavior.local.mail_sink", str(smtp_port), str(self.mail_dir)]
        commands = {name: airflow(*arguments) for name, arguments in AIRFLOW_COMMANDS.items()} | {"mail": sink}
        for name, command in commands.items():
            self.components[name] = Component(name, command, environment, self.log_dir / f"{name}.log")
            self._launch(self.components[name])
        self._wait_until_ready()
        mlflow = self.components.get(MLFLOW)
        if mlflow and mlflow.pid is None:
            self._say(f"MLflow did not start; Airflow runs without it. The end of {mlflow.log}:\n{tail(mlflow.log)}")

    def _start_mlflow(self) -> None:
        """Start MLflow, which takes the processor that the migration of Airflow's metadata leaves idle. Nobody waits for it."""
        if self.options.tracking_uri is not None:
            return
        self._mlflow_port = _port(self.options.mlflow_port)
        artifacts = private_directory(self.options.state_dir.absolute() / "mlflow")
        environment = mlflow_server.environment(self.postgres.create_owned_database(MLFLOW), self.keys.stack_token)
        command = mlflow_server.command(self._mlflow_port, artifacts)
        self.components[MLFLOW] = Component(MLFLOW, command, environment, self.log_dir / f"{MLFLOW}.log")
        self._launch(self.components[MLFLOW])

    def _launch(self, component: Component) -> None:
        if component.name == MLFLOW:
            self._mlflow_started = time.monotonic()
            former = component.session
            if former is not None:  # its worker outlives it, and holds the port
                processes.end_all(lambda: processes.of_stack("", {former}), 2.0)
        pid = component.start()
        self._sessions.add(pid)
        self._tell_watchdog(session=pid)

    def _start_watchdog(self) -> None:
        command = [sys.executable, "-m", "customer_behavior.local.watchdog"]
        with (self.log_dir / "watchdog.log").open("ab") as log:
            self._watchdog = subprocess.Popen(
                [*command, str(self.options.state_dir.absolute()), self.keys.stack_token],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,  # it must survive what ends us
                env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY / "include")},
            )

    def _tell_watchdog(self, **message: int | bool) -> None:
        if self._watchdog and self._watchdog.stdin:
            self._watchdog.stdin.write(json.dumps(message) + "\n")
            self._watchdog.stdin.flush()

    def _wait_until_ready(self) -> None:
        """Healthy by Airflow's own account, and every DAG file read without an error."""
        deadline = time.monotonic() + _READY_SECONDS
        since = datetime.now(UTC)
        while True:
            for name, component in self.components.items():
                if name != MLFLOW:
                    component.require_alive()
            missing = self._not_ready(since)
            if not missing:
                return
            if time.monotonic() > deadline:
                raise AirflowError(
                    f"Airflow is not ready after {_READY_SECONDS:.0f} s, for want of {missing}. Logs: {self.log_dir}"
                )
            time.sleep(0.25)

    def _not_ready(self, since: datetime) -> str:
        """What is missing. Only what happened after ``since`` counts: the database remembers an earlier stack."""
        health = self.api.health()
        if health is None:
            return "the API server"
        for part in ("scheduler", "triggerer", "dag_processor"):
            beat = health[part][f"latest_{part}_heartbeat"]
            if health[part]["status"] != "healthy" or datetime.fromisoformat(beat) < since:
                return f"the {part}"
        errors = [error for error in self.api.import_errors() if datetime.fromisoformat(error["timestamp"]) >= since]
        if errors:
            reasons = "\n".join(f"{error['filename']}:\n{error['stack_trace']}" for error in errors)
            raise AirflowError(f"Airflow cannot read {len(errors)} DAG file(s):\n{reasons}")
        read = {
            Path(dag["fileloc"]).name
            for dag in self.api.dags()
            if datetime.fromisoformat(dag["last_parsed_time"]) >= since
        }
        unread = sorted(path.name for path in dag_files(self.options.dags_folder) if path.name not in read)
        return f"DAGs of {', '.join(unread)}" if unread else ""


def _port(wanted: int | None) -> int:
    return wanted if wanted and is_free(wanted) else free_port()


def dag_files(folder: Path) -> list[Path]:
    """The files Airflow would read DAGs from, by its own rule: those that mention both words."""
    candidates = (path for path in folder.rglob("*.py") if not path.name.startswith(("_", ".")))
    return [path for path in candidates if {b"dag", b"airflow"} <= _words(path)]


def _words(path: Path) -> set[bytes]:
    content = path.read_bytes().lower()
    return {word for word in (b"dag", b"airflow") if word in content}
