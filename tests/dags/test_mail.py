"""Mails as an SMTP server receives them: one line of subject, the shop's day, and nothing of what they show is taken for HTML."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email import message_from_bytes, policy
from types import SimpleNamespace

import pytest
import yaml
from aiosmtpd.controller import Controller
from bs4 import BeautifulSoup

from customer_behavior.errors import ConfigurationError, TemporaryError
from customer_behavior.local.ports import free_port
from customer_behavior.names import Dag
from customer_behavior.paths import INCLUDE_DIR

ONCALL = ["oncall@example.com"]


class Server:
    """Keeps what it is handed; `answer` to each mail, `rcpt` to each recipient."""

    def __init__(self) -> None:
        self.mails: list = []
        self.answer, self.rcpt = "250 OK", "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, _options) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, _server, _session, envelope) -> str:
        if self.answer.startswith("250"):
            self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return self.answer


@pytest.fixture
def server(monkeypatch):
    kept = Server()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port())
    controller.start()
    connect(monkeypatch, controller.port)
    yield kept
    controller.stop()


def connect(monkeypatch, port: int) -> None:
    extra = {
        "disable_ssl": True,
        "disable_tls": True,
        "from_email": "platform@example.com",
        "retry_limit": 0,
        "timeout": 5,
    }
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))


def failed(**changes) -> dict:
    run = {
        "dag_id": "ingest_events",
        "run_id": "scheduled__2017-12-23",
        "run_type": "scheduled",
        "logical_date": datetime(2017, 12, 23, 5, tzinfo=UTC),
    }
    return {"dag_run": SimpleNamespace(**(run | changes)), "reason": "task_failure"}


def notify(context: dict) -> None:
    from customer_behavior_airflow.mail import MailScheduledFailure

    MailScheduledFailure(to=ONCALL).notify(context)


@pytest.mark.parametrize(
    ("timezone", "logical", "day", "as_of"),
    [
        ("America/New_York", datetime(2017, 12, 23, 5, tzinfo=UTC), "2017-12-23", "2017-12-24"),
        ("Europe/Berlin", datetime(2017, 12, 22, 23, tzinfo=UTC), "2017-12-23", "2017-12-24"),  # not the 22nd of UTC
        ("Asia/Tokyo", datetime(2017, 12, 22, 15, tzinfo=UTC), "2017-12-23", "2017-12-24"),
    ],
)
def test_a_failure_is_that_of_a_day_of_the_shop(server, tmp_path, monkeypatch, timezone, logical, day, as_of):
    shop = yaml.safe_load((INCLUDE_DIR / "config" / "shop.yaml").read_text())
    (tmp_path / "shop.yaml").write_text(yaml.safe_dump({**shop, "timezone": timezone}))
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_CONFIG", str(tmp_path))
    notify(failed(logical_date=logical))
    [(to, mail)] = server.mails
    assert to == ONCALL
    assert mail["subject"] == f"ingest_events failed for {day} (as-of date {as_of})"
    assert f"which is {day} 00:00 in {timezone}" in BeautifulSoup(mail.get_body().get_content(), "lxml").get_text()


def test_what_a_failure_shows_is_text(server):
    hostile = "<script>alert(1)</script> & 'c1' \"x\""
    notify(failed(run_id=hostile, dag_id=f"d\r\nBcc: eve@example.com {hostile}") | {"reason": hostile})
    [(to, mail)] = server.mails
    page = BeautifulSoup(mail.get_body(("html",)).get_content(), "lxml")
    assert not page.select("script")
    assert page.get_text().count(hostile) == 3
    assert to == ONCALL
    assert mail["bcc"] is None
    assert mail["subject"].startswith("d Bcc: eve@example.com <script>")


@pytest.mark.parametrize(
    "subject", ["a\nBcc: x@example.com", "a\r\n\r\n<b>body</b>", "a\x00\x0b\x85\u2028b", "z\u00fcrich \udcff"]
)
def test_any_subject_is_one_line_and_any_text_is_sent(server, subject):
    from customer_behavior_airflow.mail import send

    send(ONCALL, subject, "<p>caf\u00e9 \udcff</p>")
    [(to, mail)] = server.mails
    assert to == ONCALL
    assert mail["bcc"] is None
    assert len(mail["subject"].splitlines()) == 1
    assert mail.get_body().get_content().strip() == "<p>caf\u00e9 ?</p>"


def test_a_run_by_hand_mails_nobody(server):
    notify(failed(run_type="manual"))
    assert server.mails == []


@pytest.mark.parametrize(
    ("setting", "answer", "kind"),
    [
        ("rcpt", "550 no such user", ConfigurationError),
        ("rcpt", "450 try later", TemporaryError),
        ("answer", "554 refused", ConfigurationError),
        ("answer", "452 disk full", TemporaryError),
    ],
)
def test_a_mail_that_is_not_taken_is_said_to_be_so(server, setting, answer, kind):
    from customer_behavior_airflow.mail import send

    setattr(server, setting, answer)
    with pytest.raises(
        kind, match=r"the mail server of connection 'smtp_default' did not take the mail to oncall@example\.com"
    ):
        send(ONCALL, "s", "<p>h</p>")


def test_a_mail_server_that_is_away_or_not_configured(monkeypatch):
    from customer_behavior_airflow.mail import send

    connect(monkeypatch, free_port())
    with pytest.raises(TemporaryError, match="did not take the mail"):
        send(ONCALL, "s", "<p>h</p>")
    monkeypatch.delenv("AIRFLOW_CONN_SMTP_DEFAULT")
    with pytest.raises(ConfigurationError, match="there is no Airflow connection 'smtp_default'"):
        send(ONCALL, "s", "<p>h</p>")


@pytest.mark.parametrize("value", [[], None])
def test_with_nobody_to_tell_the_dags_have_no_mail_to_send(tmp_path, monkeypatch, value):
    from customer_behavior.settings import load_shop
    from customer_behavior_airflow import defaults

    shop = yaml.safe_load((INCLUDE_DIR / "config" / "shop.yaml").read_text())
    (tmp_path / "shop.yaml").write_text(yaml.safe_dump({**shop, "alert_to": value}))
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_CONFIG", str(tmp_path))
    monkeypatch.setattr(defaults, "SHOP", load_shop())
    assert defaults.common(Dag.INGEST_EVENTS, tags=[], doc_md=None)["on_failure_callback"] == []
