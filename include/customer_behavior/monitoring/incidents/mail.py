"""The one mail of a date. Who sends it (a DAG, through Airflow's SMTP connection) says afterwards that it went."""

import logging
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy.engine import Connection, Row

from customer_behavior.monitoring.incidents.wording import mail_html, mail_text
from customer_behavior.settings import Shop
from customer_behavior.warehouse import audit, run_sql

log = logging.getLogger(__name__)


def pending_mail(connection: Connection, shop: Shop, as_of: date) -> dict[str, Any] | None:
    """Return the mail that has to be sent for `as_of`: all kinds in one; None when there is nothing to tell, or nobody.

    Left out is what a backfill raised, what was mailed, and what goes on since an earlier mail told of it.

    Returns
    -------
    dict or None
        to (list), subject, text, html, alert_ids (for `mark_mailed`).
    """
    waiting = run_sql(connection, "monitoring/waiting_alerts", as_of=as_of).all()
    alerts = [alert for alert in waiting if not _told_before(connection, alert, as_of)]
    if not alerts:
        return None
    if not shop.alert_to:
        log.info(
            "as of %s: %d incidents, and nobody to mail them to: alert_to in shop.yaml is empty", as_of, len(alerts)
        )
        return None
    subject = alerts[0].subject if len(alerts) == 1 else f"{as_of} " + ", ".join(alert.kind for alert in alerts)
    return {
        "to": list(shop.alert_to),
        "subject": f"[customer behaviour] {subject}",
        "text": mail_text(as_of, alerts),
        "html": mail_html(as_of, alerts),
        "alert_ids": [alert.alert_id for alert in alerts],
    }


def mark_mailed(connection: Connection, as_of: date, alert_ids: Sequence[int], *, run_id: str | None) -> dict[str, Any]:
    """Record that the mail with these alerts was handed over; return how many it marked."""
    marked = run_sql(connection, "monitoring/mark_mailed", as_of=as_of, alert_ids=list(alert_ids)).rowcount
    audit(connection, "monitoring.alerts", f"{as_of} mailed", 0, marked, run_id)
    return {"as_of": str(as_of), "mailed": marked}


def _told_before(connection: Connection, alert: Row, as_of: date) -> bool:
    """Return whether everything this alert is about has been mailed since it began."""
    since: dict[str, str] = alert.details["since_of"]
    mailed = run_sql(
        connection,
        "monitoring/mailed_before",
        as_of=as_of,
        kind=alert.kind,
        first_day=date.fromisoformat(min(since.values())),
    ).all()
    return all(
        any(what in earlier.details["since_of"] and str(earlier.as_of_date) >= begun for earlier in mailed)
        for what, begun in since.items()
    )
