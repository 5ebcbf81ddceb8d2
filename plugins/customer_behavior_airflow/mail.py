"""Mail through Airflow's SMTP connection, `smtp_default`."""

import smtplib
from collections.abc import Sequence
from html import escape

from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.sdk import BaseNotifier

from customer_behavior.asof import as_of_for, batch_date_for, dates_in_words
from customer_behavior.errors import ConfigurationError, TemporaryError
from customer_behavior.settings import load_shop
from customer_behavior_airflow.connections import connection

SMTP_CONNECTION = "smtp_default"
FALLBACK_SENDER = "customer-behaviour@localhost"


def send(to: Sequence[str], subject: str, html: str) -> None:
    """Hand a mail to the SMTP server; whatever `subject` holds becomes one line.

    Raises
    ------
    ConfigurationError
        When there is no connection, or the server refuses the login, the sender or a recipient for good.
    TemporaryError
        When the server cannot be reached, or does not take the mail now.
    """
    connection(SMTP_CONNECTION, f"mail to {', '.join(to)}")  # the hook's own error does not name it
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in subject).split())
    try:
        with SmtpHook(smtp_conn_id=SMTP_CONNECTION) as hook:
            hook.send_email_smtp(
                to=list(to),
                subject=line,
                html_content=html.encode("utf-8", "replace").decode(),
                from_email=hook.from_email or FALLBACK_SENDER,
            )
    except (smtplib.SMTPException, OSError) as error:
        said = f"the mail server of connection {SMTP_CONNECTION!r} did not take the mail to {', '.join(to)} ({error})"
        if _for_good(error):
            raise ConfigurationError(
                f"{said}; correct the connection, or alert_to in include/config/shop.yaml"
            ) from error
        raise TemporaryError(f"{said}; another try may do") from error


def _for_good(error: Exception) -> bool:
    """Return whether the server will refuse again: codes of 500 and above, of all recipients where it names several."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500


class MailScheduledFailure(BaseNotifier):
    """Mails when a scheduled run fails. A backfill or a trigger by hand has a person watching it, and mails nobody."""

    template_fields = ()

    def __init__(self, to: Sequence[str]) -> None:
        super().__init__()
        self.to = list(to)

    def notify(self, context) -> None:
        """Mail what failed; only scheduled runs do."""
        run = context["dag_run"]
        if run.run_type != "scheduled":
            return
        zone = load_shop().zone
        as_of = as_of_for(run.logical_date, zone)
        failed = context.get("reason") or "a task failed"
        send(
            self.to,
            f"{run.dag_id} failed for {batch_date_for(as_of)} (as-of date {as_of})",
            f"<p>The scheduled run <b>{escape(str(run.run_id))}</b> of <b>{escape(str(run.dag_id))}</b> failed: "
            f"{escape(str(failed))}.</p><p>{escape(dates_in_words(run.logical_date, as_of, zone))}</p>"
            "<p>The tables keep what they had. The failed task's log ends with a sentence that says what to do; then clear "
            "the task in the Airflow UI.</p>",
        )
