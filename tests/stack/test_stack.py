"""A real Airflow, started and ended: it does what it is asked, and nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from smtplib import SMTP
from typing import Any

import httpx
import psutil
import psycopg2
import pytest
import sqlalchemy as sa

from customer_behavior.demo.chain import Backfill, Chain
from customer_behavior.local import cli, daemon, mlflow_server, processes
from customer_behavior.local.errors import AirflowError, LocalStackError
from customer_behavior.local.options import REPOSITORY, StackOptions
from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.local.secrets_file import read_json
from customer_behavior.local.stack import LocalStack
from customer_behavior.warehouse import Warehouse
from stack import toy_dags
from support.stack_shop import PATIENCE

FAST = {"fsync": "off", "shared_buffers": "64MB"}
MIDNIGHT_IN_NEW_YORK = datetime(2017, 12, 5, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackOptions]:
    folder = tmp_path_factory.mktemp("stack")
    options = StackOptions(
        preload=False,
        state_dir=folder / "state",
        dags_folder=toy_dags.write(folder / "dags"),
        plugins_folder=folder / "plugins",
        follow_schedules=False,
        postgres_settings=FAST,
    )
    yield options
    EmbeddedPostgres(options.state_dir).destroy()


@pytest.fixture(scope="module")
def stack(options: StackOptions) -> Iterator[LocalStack]:
    with LocalStack(options) as stack:
        yield stack


@pytest.fixture
def said() -> list[str]:
    return []


def wait_for(condition: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + PATIENCE * seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE * seconds} s"
        time.sleep(0.2)


def test_the_warehouse_has_the_newest_schema_once_the_stack_is_up(stack: LocalStack) -> None:
    with Warehouse(stack.warehouse_url).begin("ingest") as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM raw.events")).scalar_one() == 0


def test_new_dags_wait_paused_and_the_clock_starts_nothing(stack: LocalStack) -> None:
    assert {dag["dag_id"]: dag["is_paused"] for dag in stack.api.dags()} == {"steps": True, "stubborn": True}
    daemon.unpause(stack, ["steps"])
    time.sleep(3.0)  # a dozen scheduler loops: a nightly DAG that follows its schedule would have its run by now
    assert stack.api.runs("steps") == []


def test_runs_and_backfills_do_what_they_are_asked(stack: LocalStack, said: list[str]) -> None:
    daemon.unpause(stack, ["steps"])
    chain = Chain(stack, said.append)
    chain.trigger("steps", day=date(2017, 12, 5))
    chain.trigger("steps", day=date(2017, 12, 5))  # a second time for the same day
    chain.backfill(Backfill("steps", [date(2017, 12, 6), date(2017, 12, 8)]))
    runs = stack.api.runs("steps")
    assert {run["state"] for run in runs} == {"success"}
    stamps = sorted(datetime.fromisoformat(run["logical_date"]) for run in runs)
    assert stamps == [MIDNIGHT_IN_NEW_YORK.replace(day=day) for day in (5, 6, 7, 8)]
    first = next(run for run in runs if run["run_type"] == "manual")
    assert [task["try_number"] for task in stack.api.tasks("steps", first["dag_run_id"])] == [2, 2]
    assert any("2017-12-07" in line and "2 of 3 done" in line for line in said)


def test_a_failure_names_the_task_the_reason_and_the_log(stack: LocalStack, said: list[str]) -> None:
    daemon.unpause(stack, ["steps"])
    with pytest.raises(AirflowError) as failure:
        Chain(stack, said.append).trigger("steps", day=date(2017, 12, 10), conf={"refuse": True})
    text = str(failure.value)
    assert "steps failed for 2017-12-10" in text
    assert "task refuse" in text
    assert "ValueError: the price of line 3 is no number" in text
    folder = next(line.split("log: ")[1] for line in text.splitlines() if "log: " in line)
    assert list(Path(folder).glob("*.log"))


def test_a_refused_request_says_why(stack: LocalStack) -> None:
    with pytest.raises(AirflowError, match=r"404.*no_such_dag"):
        stack.api.trigger("no_such_dag")


def test_the_api_refuses_strangers(stack: LocalStack) -> None:
    client = httpx.Client(base_url=stack.api.address, trust_env=False)
    assert client.get("/api/v2/dags").status_code == 401
    for password in ("admin", "airflow", ""):
        assert client.post("/auth/token", json={"username": "admin", "password": password}).is_error


def test_mail_ends_in_a_file(stack: LocalStack) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "platform@localhost", "oncall@example.com", "Drift"
    message.set_content("It moved.")
    port = int(stack.components["mail"].command[-2])
    with SMTP("127.0.0.1", port, timeout=10) as smtp:
        smtp.send_message(message)
    (mail,) = stack.mail_dir.glob("*.eml")
    assert "Subject: Drift" in mail.read_text()


def test_what_dies_is_started_again(stack: LocalStack, said: list[str]) -> None:
    daemon.unpause(stack, ["steps"])
    stack.kill_scheduler()
    stack.postgres.kill()
    assert stack.heal()[:1] == ["postgres"]
    assert stack.postgres.is_running()
    assert stack.components["scheduler"].pid
    Chain(stack, said.append).trigger("steps", day=date(2017, 12, 12))
    assert said[-1].endswith("1 of 1 done")


def test_mlflow_answers_on_this_machine_alone_and_airflow_knows_its_address(stack: LocalStack) -> None:
    address = stack.tracking_uri
    wait_for(lambda: mlflow_server.answers(address), 120, "MLflow")
    told = psutil.Process(stack.components["scheduler"].pid).environ()
    assert told["MLFLOW_TRACKING_URI"] == address
    mine = {connection.pid: connection.laddr for connection in psutil.net_connections("tcp") if listens(connection)}
    ours = [laddr for pid, laddr in mine.items() if pid in mlflow_processes(stack)]
    assert [(laddr.ip, str(laddr.port)) for laddr in ours] == [("127.0.0.1", address.rpartition(":")[2])]


def test_mlflow_refuses_requests_for_other_hosts(stack: LocalStack) -> None:
    wait_for(lambda: mlflow_server.answers(stack.tracking_uri), 120, "MLflow")
    url = f"{stack.tracking_uri}/api/2.0/mlflow/experiments/search?max_results=1"
    client = httpx.Client(trust_env=False, timeout=30)
    assert client.get(url).status_code == 200
    assert client.get(url, headers={"Host": "rebound.example.com"}).status_code == 403
    assert client.post(url, headers={"Origin": "https://elsewhere.example.com"}, json={}).status_code == 403


def test_mlflow_keeps_its_password_off_the_command_line_and_airflows_secrets_away(stack: LocalStack) -> None:
    wait_for(lambda: mlflow_server.answers(stack.tracking_uri), 120, "MLflow")
    password = read_json(stack.options.state_dir / "postgres" / "server.json")["owner_passwords"]["mlflow"]
    secrets = [value for name, value in vars(stack.keys).items() if name != "stack_token"]
    for pid in mlflow_processes(stack):
        process = psutil.Process(pid)
        assert password not in " ".join(process.cmdline())
        told = " ".join(process.environ().values())
        assert password in told
        assert not [secret for secret in secrets if secret in told]
    with pytest.raises(psycopg2.OperationalError, match="permission denied"):
        psycopg2.connect(stack.postgres.url("mlflow"))


def test_mlflow_is_started_again_but_not_all_the_time(stack: LocalStack) -> None:
    """Its worker outlives it, and holds the port until it is ended."""
    wait_for(lambda: mlflow_server.answers(stack.tracking_uri), 120, "MLflow")
    before = mlflow_processes(stack)
    stack.kill("mlflow")
    stack._mlflow_started = time.monotonic()
    assert "mlflow" not in stack.heal()
    stack._mlflow_started = time.monotonic() - 3600
    assert stack.heal() == ["mlflow"]
    assert [pid for pid in before if processes.is_alive(pid)] == []
    wait_for(lambda: mlflow_server.answers(stack.tracking_uri), 120, "MLflow again")
    assert cli._mlflow(stack.options.state_dir, {"mlflow": stack.tracking_uri}) == f"{stack.tracking_uri}  (no login)"


def test_a_second_stack_is_refused(options: StackOptions) -> None:
    with (
        daemon.only_one(options.state_dir),
        pytest.raises(LocalStackError, match="make down"),
        daemon.only_one(options.state_dir),
    ):
        pass


def test_stopping_leaves_no_process(stack: LocalStack) -> None:
    """The last one on this stack: a task, its grandchild in another session, everything goes."""
    daemon.unpause(stack, ["stubborn"])
    stack.api.trigger("stubborn")
    wait_for(lambda: grandchildren(stack.options), 60, "the task's grandchild")
    everything = [*stack.processes(), stack.postgres.pid]
    assert len(everything) > 8
    assert set(mlflow_processes(stack)) <= set(everything)
    stack.stop(patience=2.0)
    assert [pid for pid in everything if pid and processes.is_alive(pid)] == []
    assert grandchildren(stack.options) == []
    assert not stack.postgres.is_running()


def test_an_mlflow_that_cannot_start_is_said_and_airflow_runs(
    options: StackOptions, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = [sys.executable, "-c", "raise SystemExit('its tables are of another version')"]
    monkeypatch.setattr(mlflow_server, "command", lambda *_: refusal)
    stack = LocalStack(options, say=said.append)
    with stack:
        assert stack.api.health() is not None
        assert cli._mlflow(options.state_dir, {"mlflow": stack.tracking_uri}).endswith("airflow/logs/mlflow.log")
    assert said[-1].startswith("MLflow did not start; Airflow runs without it.")
    assert "its tables are of another version" in said[-1]


def test_kill_9_of_the_supervisor_leaves_no_process(options: StackOptions) -> None:
    script = """
import sys, time
from pathlib import Path
from customer_behavior.local import daemon
from customer_behavior.local.options import StackOptions
from customer_behavior.local.secrets_file import read_json
from customer_behavior.local.stack import LocalStack
state, dags = map(Path, sys.argv[1:])
stack = LocalStack(StackOptions(state_dir=state, dags_folder=dags, follow_schedules=False, preload=False))
stack.start()
print("ready", flush=True)
daemon.unpause(stack, ["stubborn"])
stack.api.trigger("stubborn")
time.sleep(600)
"""
    supervisor = subprocess.Popen(
        [sys.executable, "-c", script, str(options.state_dir), str(options.dags_folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "include")},
    )
    token = LocalStack(options).keys.stack_token
    server = EmbeddedPostgres(options.state_dir)
    try:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "ready\n"
        wait_for(lambda: grandchildren(options), 60, "the task's grandchild")
        family = [child.pid for child in psutil.Process(supervisor.pid).children(recursive=True)]
        assert len(family) > 8
        assert [pid for pid in family if "mlflow" in psutil.Process(pid).cmdline()]
        supervisor.send_signal(signal.SIGKILL)
        supervisor.wait()
        wait_for(lambda: not [pid for pid in family if processes.is_alive(pid)], 20, "the end of all processes")
        wait_for(lambda: not grandchildren(options), 5, "the end of the grandchild")
        assert not server.is_running()
    finally:
        supervisor.kill()
        processes.end_all(lambda: [*processes.of_stack(token, ()), *grandchildren(options)], 0.0)


def listens(connection: Any) -> bool:
    return bool(connection.status == psutil.CONN_LISTEN)


def mlflow_processes(stack: LocalStack) -> list[int]:
    """MLflow and what it started."""
    session = stack.components["mlflow"].session
    found = [pid for pid in stack.processes() if os.getsid(pid) == session]
    assert found
    return found


def grandchildren(options: StackOptions) -> list[int]:
    """The processes that the stubborn task started, found by their command line and nothing of ours."""
    found = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
        except psutil.Error:
            continue
        if "stubborn-grandchild" in command and command[-1].startswith(str(options.dags_folder)):
            found.append(process.pid)
    return found
