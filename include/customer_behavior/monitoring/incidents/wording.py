"""Alerts and mails in words, from the templates in include/templates."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from customer_behavior.monitoring.incidents.detection import Incident
from customer_behavior.paths import TEMPLATES_DIR


@cache
def environment() -> Environment:
    """Return the templates: HTML is escaped, a name that is not given is an error."""

    def percent(value: float | None, digits: int = 1) -> str:
        return "none" if value is None else f"{value:.{digits}%}"

    def number(value: float | None) -> str:
        return "none" if value is None else f"{value:.4g}"

    made = Environment(
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=lambda name: bool(name) and ".html" in str(name),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    made.filters.update(percent=percent, number=number)
    return made


def alert_text(incident: Incident, as_of: date, *, quiet: bool) -> str:
    """Return one alert as text: what moved, how much, since when, what it does to the scores, what to do."""
    template = environment().get_template(f"alert_{incident.kind}.txt.j2")
    return template.render(as_of=as_of, quiet=quiet, **incident.details).strip() + "\n"


def mail_text(as_of: date, alerts: Sequence[Any]) -> str:
    """Return the mail's text: the alerts one after the other."""
    return environment().get_template("mail.txt.j2").render(as_of=as_of, alerts=alerts).strip() + "\n"


def mail_html(as_of: date, alerts: Sequence[Any]) -> str:
    """Return the mail's HTML."""
    return environment().get_template("mail.html.j2").render(as_of=as_of, alerts=alerts)
