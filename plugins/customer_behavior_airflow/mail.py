"""Mail through Airflow's SMTP connection, `smtp_default`."""

from collections.abc import Sequence

from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.sdk import BaseNotifier

SMTP_CONNECTION = "smtp_default"
FALLBACK_SENDER = "customer-behaviour@localhost"


def send(to: Sequence[str], subject: str, html: str) -> None:
    """Hand a mail to the SMTP server; it raises when the server does not take it."""
    with SmtpHook(smtp_conn_id=SMTP_CONNECTION) as hook:
        hook.send_email_smtp(
            to=list(to), subject=subject, html_content=html, from_email=hook.from_email or FALLBACK_SENDER
        )


class MailScheduledFailure(BaseNotifier):
    """Mails when a scheduled run fails. A backfill or a trigger by hand has a person watching it, and mails nobody."""

    template_fields = ()

    def __init__(self, to: Sequence[str]) -> None:
        super().__init__()
        self.to = list(to)

    def notify(self, context) -> None:
        run = context["dag_run"]
        if run.run_type != "scheduled":
            return
        failed = context.get("reason") or "a task failed"
        send(
            self.to,
            f"{run.dag_id} failed for {run.logical_date:%Y-%m-%d}",
            f"<p>The scheduled run <b>{run.run_id}</b> of <b>{run.dag_id}</b> failed: {failed}.</p>"
            "<p>The tables keep what they had. The failed task's log ends with a sentence that says what to do; then clear "
            "the task in the Airflow UI.</p>",
        )
