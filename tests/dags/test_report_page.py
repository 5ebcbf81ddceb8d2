"""The link of a training task and the page behind it, in an API server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa

from customer_behavior.local import keys
from customer_behavior.local.api import AirflowApi
from customer_behavior.local.environment import airflow_environment
from customer_behavior.local.options import StackOptions
from customer_behavior.local.ports import free_port
from customer_behavior.warehouse import Warehouse

MODEL = "5c0ffee5c0ffee5c0ffe"
PAGE = f"/customer-behavior/reports/{MODEL}"
HTML = {"Accept": "text/html,application/xhtml+xml"}
TOY = f"""
from airflow.sdk import dag, task
from customer_behavior_airflow.report_link import training_task

@dag(schedule=None)
def toy():
    @training_task(map_index_template="{{{{ key }}}}")
    def train(key: str) -> dict:
        return {{"model_id": key}} if key else {{"skipped": True}}

    @task
    def other() -> dict:
        return {{"model_id": "{MODEL}"}}

    train.expand(key=["{MODEL}", "../../evil?x=<b>", ""]) >> other()

toy()
"""


@dataclass(frozen=True)
class Server:
    """An API server with one finished run, and its client."""

    address: str
    api: AirflowApi
    run_id: str

    def link(self, task_id: str, map_index: int = -1) -> dict:
        path = f"/dags/toy/dagRuns/{self.run_id}/taskInstances/{task_id}/links"
        return self.api.call("GET", path, params={"map_index": map_index})["extra_links"]

    def get(self, path: str, *, logged_in: bool = True, **headers: str) -> httpx.Response:
        token = self.token if logged_in else None
        cookies = {"_token": token} if token else {}
        with httpx.Client(base_url=self.address, trust_env=False, cookies=cookies) as browser:
            return browser.get(path, headers=headers)

    @property
    def token(self) -> str:
        self.api.call("GET", "/version")
        return self.api._http.headers["Authorization"].removeprefix("Bearer ")


def fill(warehouse: Warehouse) -> None:
    with warehouse.begin("train") as connection:
        for model_id, day, promoted in ((MODEL, date(2026, 3, 1), True), ("aaaa", date(2026, 2, 22), False)):
            connection.execute(
                sa.text(
                    "INSERT INTO models.model_versions (model_id, target, horizon_days, trained_as_of, card, fit_dates,"
                    " calibration_dates, test_dates) VALUES (:id, 'purchase', 7, :day, '{\"confidence\": \"normal\"}',"
                    " '{}', '{}', '{}')"
                ),
                {"id": model_id, "day": day},
            )
            connection.execute(
                sa.text("INSERT INTO models.reports (model_id, html) VALUES (:id, :html)"),
                {"id": model_id, "html": f"<!DOCTYPE html><p>The report of {model_id}</p>"},
            )
            connection.execute(
                sa.text(
                    "INSERT INTO models.decisions (model_id, target, horizon_days, as_of_date, accepted, promoted, reason, checks)"
                    " VALUES (:id, 'purchase', 7, :day, true, :promoted, '<script>1</script>', '{}')"
                ),
                {"id": model_id, "day": day, "promoted": promoted},
            )


@pytest.fixture(scope="module")
def server(postgres, tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("reports")
    postgres.create_database("airflow_reports")
    postgres.create_database("warehouse_reports", template="migrated")
    fill(Warehouse(postgres.url("warehouse_reports")))
    (folder / "dags").mkdir()
    (folder / "dags" / "toy.py").write_text(TOY)
    secrets, port = keys.load(folder / "state"), free_port()
    environment = airflow_environment(
        StackOptions(state_dir=folder / "state", dags_folder=folder / "dags"),
        secrets,
        metadata_url=postgres.url("airflow_reports"),
        warehouse_url=postgres.url("warehouse_reports"),
        api_port=port,
        smtp_port=free_port(),
    )
    (folder / "state" / "airflow").mkdir()
    (folder / "state" / "airflow" / "passwords.json").write_text(json.dumps({"admin": secrets.admin_password}))
    for command in (["-m", "airflow", "db", "migrate"], [str(Path(__file__).parent / "run_report_link.py")]):
        done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    [runs] = [line for line in done.stdout.splitlines() if line.startswith("RUNS ")]
    log = (folder / "api-server.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow", "api-server"],
        env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    api = AirflowApi(f"http://127.0.0.1:{port}", secrets.admin_password)
    try:
        end = time.monotonic() + 120
        while api.health() is None:
            assert process.poll() is None, (folder / "api-server.log").read_text()[-3000:]
            assert time.monotonic() < end, (folder / "api-server.log").read_text()[-3000:]
            time.sleep(0.5)
        yield Server(api.address, api, json.loads(runs.removeprefix("RUNS "))["toy"])
    finally:
        api.close()
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)
        log.close()
        for name in ("airflow_reports", "warehouse_reports"):
            postgres.drop_database(name)


def test_each_mapped_training_links_to_its_own_report_and_nothing_else_does(server):
    assert server.link("train", 0) == {"Model report": server.address + PAGE}
    assert server.link("train", 1) == {
        "Model report": f"{server.address}/customer-behavior/reports/..%2F..%2Fevil%3Fx%3D%3Cb%3E"
    }
    assert server.link("train", 2) == {"Model report": None}  # which the UI leaves out
    assert server.link("other") == {}


def test_the_linked_page_is_the_report_and_may_run_nothing(server):
    address = server.link("train", 0)["Model report"]
    answer = server.get(urlsplit(address).path)
    assert (answer.status_code, answer.text) == (200, f"<!DOCTYPE html><p>The report of {MODEL}</p>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = {part.split()[0]: part.split()[1:] for part in answer.headers["content-security-policy"].split(";")}
    assert policy["default-src"] == ["'none'"]
    assert "script-src" not in policy
    assert "allow-scripts" not in policy["sandbox"]
    assert (policy["img-src"], policy["frame-ancestors"]) == (["data:"], ["'self'"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "no-store" in answer.headers["cache-control"]


@pytest.mark.parametrize("path", [PAGE, "/customer-behavior/reports", "/customer-behavior/reports/none"])
def test_nobody_reads_without_a_login(server, path):
    browser = server.get(path, logged_in=False, **HTML)
    assert browser.status_code == 303
    target = urlsplit(browser.headers["location"])
    assert (target.netloc, target.path) == ("", "/api/v2/auth/login")
    assert parse_qs(target.query) == {"next": [path]}
    assert server.get(browser.headers["location"], logged_in=False).status_code == 307  # Airflow takes the way back
    script = server.get(path, logged_in=False)
    assert (script.status_code, script.json()) == (401, {"detail": "Not authenticated"})
    forged = server.get(path, logged_in=False, Authorization="Bearer not.a.token")
    assert forged.status_code == 403
    for answer in (browser, script, forged):
        assert "report of" not in answer.text


def test_a_warehouse_that_does_not_answer_is_said_in_a_sentence(monkeypatch):
    from fastapi.testclient import TestClient

    from customer_behavior.errors import TemporaryError
    from customer_behavior_airflow import report_page

    def away():
        raise TemporaryError("the warehouse cannot be reached")

    monkeypatch.setattr(report_page, "warehouse", away)
    [login] = [each.dependency for each in report_page.app.router.dependencies]
    monkeypatch.setitem(report_page.app.dependency_overrides, login, lambda: None)
    answer = TestClient(report_page.app).get("/reports")
    assert (answer.status_code, answer.json()) == (503, {"detail": "the warehouse cannot be reached"})


def test_a_model_without_a_report_is_said_to_have_none(server):
    answer = server.get("/customer-behavior/reports/none")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Model none has no report in models.reports."})
    assert server.get("/customer-behavior/reports/..%2F..%2Fevil%3Fx").status_code in (404, 422)
    for path in ("docs", "openapi.json", "redoc"):
        assert server.get(f"/customer-behavior/{path}").status_code == 404


def test_the_list_has_the_newest_reports_of_each_target_and_is_in_the_menu(server):
    from bs4 import BeautifulSoup

    answer = server.get("/customer-behavior/reports")
    assert answer.status_code == 200
    page = BeautifulSoup(answer.text, "lxml")
    assert [heading.get_text() for heading in page.select("h2")] == ["purchase, 7 days"]
    assert [[cell.get_text() for cell in row.select("td")] for row in page.select("tbody tr")] == [
        ["2026-03-01", "yes", "normal", "<script>1</script>"],
        ["2026-02-22", "no", "normal", "<script>1</script>"],
    ]
    assert not page.select("script")
    assert [link["href"] for link in page.select("a")] == [PAGE, "/customer-behavior/reports/aaaa"]
    assert page.a is not None
    assert server.get(str(page.a["href"])).status_code == 200
    plugins = server.api.call("GET", "/plugins")["plugins"]
    [ours] = [plugin for plugin in plugins if plugin["name"] == "customer_behavior_reports"]
    [view] = ours["external_views"]
    assert (view["name"], view["href"]) == ("Model reports", "/customer-behavior/reports")
    assert server.api.call("GET", "/plugins/importErrors")["import_errors"] == []
