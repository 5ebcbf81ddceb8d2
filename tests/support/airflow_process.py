"""One Airflow, with one metadata database, that runs DAGs for tests which each have a warehouse and files of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from customer_behavior.local import keys
from customer_behavior.local.environment import airflow_environment, connection
from customer_behavior.local.options import StackOptions
from customer_behavior.local.ports import free_port
from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.paths import REPO_DIR

SCRIPT = REPO_DIR / "tests" / "dags" / "run_on_request.py"
TOO_LONG = 90.0  # seconds; a run that waits for what never comes is ended, with the process


@dataclass(frozen=True)
class Run:
    """What became of a run."""

    state: str
    tasks: dict[str, str]
    log: str


class AirflowProcess:
    """A process that runs one DAG at a time with `dag.test()`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, dag_id: str, *, on: date | None, form: dict, warehouse_url: str, environment: dict[str, str]) -> Run:
        """Run a DAG by hand for the shop-local day `on` (None: without a logical date) against a warehouse; wait for its end."""
        logical = on and datetime(on.year, on.month, on.day, tzinfo=ZoneInfo("America/New_York")).isoformat()
        own = environment | {"AIRFLOW_CONN_WAREHOUSE": connection(warehouse_url)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([dag_id, logical, form, own]) + "\n")
        self._process.stdin.flush()
        log: list[str] = []
        end = threading.Timer(TOO_LONG, self._process.kill)
        end.start()
        try:
            for line in self._process.stdout:
                if line.startswith("RESULT "):
                    state, tasks = json.loads(line.removeprefix("RESULT "))
                    return Run(state, tasks, "".join(log))
                log.append(line)
        finally:
            end.cancel()
        raise AssertionError("Airflow's process has ended:\n" + "".join(log)[-6000:])


@contextmanager
def airflow_process(postgres: EmbeddedPostgres, folder: Path, environment: dict[str, str]) -> Iterator[AirflowProcess]:
    """Start Airflow's process, its metadata in a database that goes with it; `environment` names a configuration to read DAGs by."""
    name = f"airflow_{folder.name}".replace("-", "_")
    postgres.create_database(name)
    whole = airflow_environment(
        StackOptions(state_dir=folder / "state", extra_env=environment),
        keys.load(folder / "state"),
        metadata_url=postgres.url(name),
        warehouse_url=postgres.url("migrated"),
        api_port=free_port(),
        smtp_port=free_port(),
    )
    migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(migrate, env=whole, check=True, capture_output=True)
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT)],
        env=whole, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield AirflowProcess(process)
    finally:
        process.terminate()
        process.communicate(timeout=30)
        postgres.drop_database(name)
