"""Findings about the shop as a whole: what prices and hours do to its sales, and how far the probabilities can be trusted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from customer_behavior.insights.visits import peak_hours, price_threshold, read_visits
from customer_behavior.monitoring.performance.matured import last_judged
from customer_behavior.settings import Settings
from customer_behavior.warehouse import replace_date, run_sql

TABLE = "marketing.insights"


@dataclass(frozen=True)
class Insight:
    """A finding: its key, a sentence, and the numbers."""

    key: str
    statement: str
    details: dict[str, Any]


def read_insights(connection: Connection, settings: Settings, as_of: date) -> list[Insight]:
    """Return the findings of a date; that none was found is a finding, but probabilities nobody has judged are left out."""
    key = settings.primary
    judged = last_judged(connection, key, as_of)
    target = {"as_of": as_of, "target": key.target, "horizon_days": key.horizon_days}
    report = run_sql(connection, "insights/report_calibration", **target).mappings().one_or_none()
    visits = read_visits(connection, settings, as_of)
    found = [
        Insight("price_threshold", *price_threshold(visits, settings.shop.currency)),
        Insight("peak_hours", *peak_hours(visits, settings.shop.timezone)),
        calibration(judged, report, key.horizon_days),
    ]
    return [insight for insight in found if insight is not None]


def calibration(
    judged: RowMapping | Mapping[str, Any] | None, report: RowMapping | Mapping[str, Any] | None, horizon_days: int
) -> Insight | None:
    """Return how near the probabilities came to what happened: on matured scores, else on the model's report."""
    if judged is not None:
        statement = (
            f"Of the {judged['n']} customers scored on {judged['scored_as_of']}, {judged['mean_predicted']:.1%} were expected "
            f"to buy within {horizon_days} days and {judged['base_rate']:.1%} did; a probability was {judged['ece']:.1%} off "
            "on average"
        )
        source, numbers = "matured scores", judged
    elif report is not None:
        statement = (
            f"No scores are old enough to be checked. When the model was trained on what was known on "
            f"{report['trained_as_of']}, its probabilities were {report['ece']:.1%} off on average on {report['n']} later rows"
        )
        source, numbers = "report of the training", report
    else:
        return None
    details = {name: str(value) if isinstance(value, date) else value for name, value in numbers.items()}
    return Insight("calibration", statement, {"source": source, "horizon_days": horizon_days, **details})


def write_insights(connection: Connection, as_of: date, insights: Sequence[Insight], run_id: str | None) -> None:
    """Replace the date's findings."""
    insert = sa.text(
        "INSERT INTO marketing.insights (as_of_date, insight, statement, details)"
        " VALUES (:as_of, :key, :statement, cast(:details AS jsonb))"
    )

    def write() -> int:
        for insight in insights:
            details = json.dumps(insight.details, sort_keys=True)
            connection.execute(
                insert, {"as_of": as_of, "key": insight.key, "statement": insight.statement, "details": details}
            )
        return len(insights)

    replace_date(connection, TABLE, as_of, write, run_id=run_id)
