"""Incidents: an alert a date and kind, and a request to train again. A backfill records, and is quiet."""

import json
import logging
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy.engine import Connection

from customer_behavior.monitoring.incidents.detection import Finding, find_incidents
from customer_behavior.monitoring.incidents.wording import alert_text
from customer_behavior.settings import TargetKey
from customer_behavior.warehouse import Warehouse, audit, lock, run_sql

log = logging.getLogger(__name__)

ALERTS = "monitoring.alerts"
REQUESTS = "monitoring.retraining_requests"


def raise_incidents(
    warehouse: Warehouse, as_of: date, *, quiet: bool, run_id: str | None = None
) -> list[dict[str, Any]]:
    """Record what is wrong on `as_of`, at most one alert of each kind; return the alerts.

    A date done again rewrites its alerts and keeps what was mailed; an alert that no longer holds goes, unless it was
    mailed. Once raised aloud, an alert stays so.

    Parameters
    ----------
    quiet : bool
        True for a backfill: alerts are recorded, not mailed, and nothing is asked for.
    """
    with warehouse.begin("score") as connection:
        lock(connection, "raise_incidents")
        findings = find_incidents(connection, as_of)
        kinds = [finding.kind for finding in findings]
        deleted = run_sql(connection, "monitoring/withdraw_alerts", as_of=as_of, kinds=kinds).scalar_one()
        for finding in findings:
            run_sql(
                connection,
                "monitoring/upsert_alert",
                as_of=as_of,
                kind=finding.kind,
                subject=f"{as_of} {finding.subject}",
                body=alert_text(finding, as_of, quiet=quiet),
                details=json.dumps({**finding.details, "since_of": finding.since}, sort_keys=True),
                quiet=quiet,
            )
        audit(connection, ALERTS, str(as_of), deleted, len(findings), run_id)
        if not quiet:
            request_retraining(connection, as_of, findings, run_id)
    for finding in findings:
        log.warning("%s: %s%s", as_of, finding.subject, " (quiet)" if quiet else "")
    return [
        {"as_of": str(as_of), "kind": finding.kind, "subject": finding.subject, "quiet": quiet} for finding in findings
    ]


def request_retraining(connection: Connection, as_of: date, findings: Iterable[Finding], run_id: str | None) -> None:
    """Ask for a training of every target a finding touches, unless one is asked for already."""
    reasons: dict[TargetKey, list[str]] = {}
    for finding in findings:
        for key in finding.targets:
            reasons.setdefault(key, []).append(finding.subject)
    deleted = run_sql(connection, "monitoring/withdraw_requests", as_of=as_of).scalar_one()
    written = 0
    for key, why in reasons.items():
        written += run_sql(
            connection,
            "monitoring/request_retraining",
            as_of=as_of,
            target=key.target,
            horizon_days=key.horizon_days,
            reason="; ".join(why),
        ).rowcount
    audit(connection, REQUESTS, str(as_of), deleted, written, run_id)
