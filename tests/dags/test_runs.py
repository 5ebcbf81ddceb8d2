"""Each DAG run once with `dag.test()`, in the order of a night, on a small shop."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
import yaml
from aiosmtpd.controller import Controller

from customer_behavior.local import keys
from customer_behavior.local.environment import airflow_environment
from customer_behavior.local.options import StackOptions
from customer_behavior.local.ports import free_port
from customer_behavior.warehouse import Warehouse
from support import small_shop

DAYS = 105
TRAINED = small_shop.FIRST_DAY + timedelta(days=DAYS - 2)
SCORED = TRAINED + timedelta(days=1)
ERASED = "c007"


def logical(as_of: date) -> str:
    day = as_of - timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("America/New_York")).isoformat()


def _errors(output: str) -> str:
    return "\n".join(line for line in output.splitlines() if "[error" in line or "Error" in line)[-4000:]


class Inbox:
    """Keeps what an SMTP server is handed."""

    def __init__(self) -> None:
        self.mails: list = []

    async def handle_DATA(self, _server, _session, envelope) -> str:
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"


def deliver_consent(folder: Path, day: date) -> dict[str, str]:
    """Name a dimension of customers in the shop's configuration and land its file for a day; return its environment."""
    shop = folder / "config" / "shop.yaml"
    shop.write_text(yaml.safe_dump({**yaml.safe_load(shop.read_text()), "dimensions": ["members"]}))
    (folder / "dimensions").mkdir()
    (folder / "dimensions" / "members.yaml").write_text(
        yaml.safe_dump(
            {
                "description": "Consent",
                "kind": "customers",
                "path": "members/{date}.csv",
                "columns": {"customer_id": "id", "consent": "consent"},
            }
        )
    )
    (folder / "landing" / "members").mkdir()
    lines = [f"c{number:03d},{number % 2 == 0}" for number in range(60)]
    (folder / "landing" / "members" / f"{day}.csv").write_text("\n".join(["id,consent", *lines]) + "\n")
    return {"CUSTOMER_BEHAVIOR_DIMENSIONS": str(folder / "dimensions")}


@pytest.fixture(scope="module")
def night(postgres, tmp_path_factory):
    """Run the chain; return (results by DAG, warehouse, mails)."""
    folder: Path = tmp_path_factory.mktemp("night")
    for name in ("airflow_night", "warehouse_night"):
        postgres.create_database(name, template="migrated" if name.startswith("warehouse") else None)
    inbox = Inbox()
    smtp = Controller(inbox, hostname="127.0.0.1", port=free_port())
    smtp.start()
    shop = small_shop.configure(folder)
    limits = folder / "config" / "monitoring.yaml"
    watched = yaml.safe_load(limits.read_text())
    watched["drift"].update(threshold=1e-6, limit_share=0.01)  # everything has drifted: a mail is due
    limits.write_text(yaml.safe_dump(watched))
    small_shop.land_history(folder / "landing", DAYS)
    shop |= deliver_consent(folder, TRAINED)
    environment = airflow_environment(
        StackOptions(state_dir=folder / "state", extra_env=shop),
        keys.load(folder / "state"),
        metadata_url=postgres.url("airflow_night"),
        warehouse_url=postgres.url("warehouse_night"),
        api_port=free_port(),
        smtp_port=smtp.port,
    )
    steps = [
        ["load_history", None, {"source": "till", "from_date": str(small_shop.FIRST_DAY), "to_date": str(TRAINED)}],
        ["train_models", logical(TRAINED), {"promote": True}],
        ["score_customers", None, {"as_of_date": str(SCORED)}],
        ["ingest_events", logical(SCORED), {}],
        ["recommend", logical(SCORED), {}],
        ["publish_marketing", logical(SCORED), {}],
        ["monitor_models", logical(SCORED), {"mail": True}],
        ["ingest_events", logical(SCORED + timedelta(days=1)), {}],
        ["maintain_warehouse", logical(SCORED), {}],
        ["erase_person", None, {"dry_run": False}],
        ["ingest_events", None, {}],
        ["score_customers", logical(SCORED + timedelta(days=9)), {}],
    ]
    try:
        migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
        subprocess.run(migrate, env=environment, check=True, capture_output=True)
        keep = [sys.executable, "-m", "airflow", "variables", "set", "erase_person_secret", ERASED.upper()]
        subprocess.run(keep, env=environment, check=True, capture_output=True)
        done = subprocess.run(
            [sys.executable, str(Path(__file__).parent / "run_chain.py")],
            input=json.dumps(steps), env=environment, text=True, capture_output=True, check=False,
        )  # fmt: skip
    finally:
        smtp.stop()
    marked = [line for line in done.stdout.splitlines() if line.startswith("RESULTS ")]
    assert marked, done.stdout[-3000:] + done.stderr[-6000:]
    yield json.loads(marked[0].removeprefix("RESULTS ")), Warehouse(postgres.url("warehouse_night")), inbox.mails, done
    for name in ("airflow_night", "warehouse_night"):
        postgres.drop_database(name)


@pytest.mark.parametrize("step", range(10))
def test_each_dag_succeeds_in_its_turn(night, step):
    results, _, _, done = night
    dag_id, state, tasks = results[step]
    assert state == "success", (dag_id, tasks, _errors(done.stdout))
    assert set(tasks.values()) == {"success"}, (dag_id, tasks)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (10, "this run has no logical date and its form no as_of_date"),
        (11, "is not ready: source till has no batch for"),
    ],
)
def test_a_run_that_cannot_know_its_date_or_is_not_ready_fails_with_the_sentence(night, step, message):
    results, _, _, done = night
    assert results[step][1] == "failed"
    assert message in done.stdout + done.stderr


def test_the_tables_are_filled(night):
    _, warehouse, _, _ = night
    with warehouse.begin() as connection:

        def count(table: str) -> int:
            return connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one()

        scores = count("marketing.customer_scores_latest")
        assert scores > 50
        assert scores == count("models.scores WHERE target = 'purchase'") == count("marketing.action_recommendations")
        assert count("monitoring.drift_features") > 20
        assert count("models.promotions WHERE target = 'purchase'") == 1
        assert count("raw.ingest_batches WHERE source = 'till'") == DAYS
        status = connection.execute(sa.text("SELECT as_of_date, ready, customers FROM marketing.status")).one()
        assert tuple(status) == (SCORED, True, scores + 1)  # published before one was erased


def test_consent_delivered_as_a_dimension_reaches_marketing(night):
    _, warehouse, _, _ = night
    with warehouse.begin("marketing_reader") as connection:
        rows = connection.execute(
            sa.text("SELECT customer_id, consent, suppressed_reason FROM marketing.customer_scores_latest")
        ).all()
    said = {row.customer_id: (row.consent, row.suppressed_reason) for row in rows}
    for customer, found in said.items():
        number = int(customer.removeprefix("c"))
        expected = None if number >= 60 else number % 2 == 0
        reasons = {True: None, False: "no consent to be contacted", None: "consent to be contacted is not known"}
        assert found == (expected, reasons[expected])
    assert {consent for consent, _ in said.values()} == {True, False, None}


def test_one_mail_says_what_moved(night):
    _, warehouse, mails, _ = night
    [(to, mail)] = mails
    assert to == ["oncall@example.com"]
    assert "drift" in mail["subject"].lower()
    body = mail.get_body(("html", "plain")).get_content()
    assert str(SCORED) in body
    with warehouse.begin() as connection:
        alerts = connection.execute(sa.text("SELECT kind, quiet, mailed_at IS NOT NULL FROM monitoring.alerts")).all()
    assert [tuple(alert) for alert in alerts] == [("drift", False, True)]


def test_retention_by_form_is_a_dry_run(night):
    _, warehouse, _, _ = night
    with warehouse.begin() as connection:
        gone = connection.execute(
            sa.text("SELECT count(*) FROM monitoring.write_audit WHERE slice LIKE 'dropped%'")
        ).scalar_one()
    assert gone == 0


def test_an_erased_person_is_nowhere_in_the_warehouse_nor_in_airflow(night, postgres):
    _, warehouse, _, done = night
    airflow = Warehouse(postgres.url("airflow_night"))
    every = (
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    for database in (warehouse, airflow):
        with database.begin_unmigrated() as connection:
            for table in connection.execute(sa.text(every)).scalars().all():
                named = sa.text(f"SELECT count(*) FROM {table} AS t WHERE cast(t AS text) ~* '\\m{ERASED}\\M'")
                assert connection.execute(named).scalar_one() == 0, table
    with airflow.begin_unmigrated() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM variable")).scalar_one() == 0
    assert "raw.events" in done.stdout and ERASED not in done.stdout.lower()
