"""Incidents: an alert a date and kind, and a request to train again. A backfill records, and is quiet."""

import json
import logging
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy.engine import Connection

from customer_behavior.monitoring.incidents.detection import Incident, find_incidents
from customer_behavior.monitoring.incidents.wording import alert_text
from customer_behavior.settings import Settings, TargetKey
from customer_behavior.warehouse import audit, run_sql

log = logging.getLogger(__name__)

ALERTS = "monitoring.alerts"
REQUESTS = "monitoring.retraining_requests"


def raise_incidents(
    connection: Connection, settings: Settings, as_of: date, *, quiet: bool, run_id: str | None
) -> list[dict[str, Any]]:
    """Record what is wrong on `as_of`, at most one alert of each kind; return the alerts.

    A date done again rewrites its alerts and keeps what was mailed; an alert that no longer holds goes, unless it was
    mailed. Once raised aloud, an alert stays so.

    Parameters
    ----------
    quiet : bool
        True for a backfill: alerts are recorded, not mailed, and nothing is asked for.
    """
    incidents = find_incidents(connection, settings, as_of)
    kinds = [incident.kind for incident in incidents]
    deleted = run_sql(connection, "monitoring/withdraw_alerts", as_of=as_of, kinds=kinds).scalar_one()
    for incident in incidents:
        run_sql(
            connection,
            "monitoring/upsert_alert",
            as_of=as_of,
            kind=incident.kind,
            subject=f"{as_of} {incident.subject}",
            body=alert_text(incident, as_of, quiet=quiet),
            details=json.dumps({**incident.details, "since_of": incident.since}, sort_keys=True),
            quiet=quiet,
        )
        log.warning("%s: %s%s", as_of, incident.subject, " (quiet)" if quiet else "")
    audit(connection, ALERTS, str(as_of), deleted, len(incidents), run_id)
    if not quiet:
        request_retraining(connection, as_of, incidents, run_id)
    return [
        {"as_of": str(as_of), "kind": incident.kind, "subject": incident.subject, "quiet": quiet}
        for incident in incidents
    ]


def request_retraining(connection: Connection, as_of: date, incidents: Iterable[Incident], run_id: str | None) -> None:
    """Ask for a training of every target an incident touches, unless one is asked for already."""
    reasons: dict[TargetKey, list[str]] = {}
    for incident in incidents:
        for key in incident.targets:
            reasons.setdefault(key, []).append(incident.subject)
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
