"""The page: `ReportData` through include/templates/model_report.html.j2."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from customer_behavior.paths import TEMPLATES_DIR
from customer_behavior.reporting import charts, words
from customer_behavior.reporting.data import ReportData
from customer_behavior.reporting.explanations import explanation_charts
from customer_behavior.reporting.images import Chart
from customer_behavior.reporting.summary import summary, verdict

TEMPLATE = "model_report.html.j2"
TRIALS_SHOWN = 10


@cache
def environment() -> Environment:
    """Return the templates: everything is escaped, a name that is not given is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        percent=words.percent,
        number=words.number,
        count=words.count,
        money=words.money,
        called=words.name,
        duration=words.duration,
    )
    return made


def render(data: ReportData) -> str:
    """Return the report as one HTML page that loads nothing and runs no script.

    What cannot be measured (no test rows, one outcome, equal predictions, no contributions) is said in its place.
    """
    return (
        environment()
        .get_template(TEMPLATE)
        .render(
            data=data,
            points=summary(data),
            served=data.served_row,
            rivals=[{**row, "verdict": verdict(data, row)} for row in data.rivals],
            gains=[] if data.unmeasurable or data.gains.empty else data.gains.to_dict("records"),
            trials=_best_trials(data),
            checks=_checks(data.decision),
            charts=_charts(data),
            explanations=explanation_charts(data),
            part_names={"fit": "Fit", "tune": "Tune", "calibration": "Calibrate", "test": "Test"},
        )
    )


def _charts(data: ReportData) -> dict[str, Chart | None]:
    """Return each chart by its name, None where there is nothing to draw."""
    tenths = data.unmeasurable is None and not data.gains.empty
    curves = data.unmeasurable is None and not data.is_amount
    return {
        "contenders": charts.contenders(data),
        "tuning": charts.tuning(data),
        "calibration": charts.calibration(data) if tenths else None,
        "gain": charts.gain(data) if tenths else None,
        "lift": charts.lift(data) if tenths else None,
        "roc": charts.roc(data) if curves else None,
        "precision_recall": charts.precision_recall(data) if curves else None,
        "profit": charts.profit(data) if data.measured and data.thresholds else None,
    }


def _best_trials(data: ReportData) -> list[dict[str, Any]]:
    """Return the best of the trials and the chosen one, best first, each with its parameters in words."""
    done = sorted(
        (row for row in data.trials if words.known(row.get("loss"))), key=lambda row: (row["loss"], row["trial"])
    )
    shown = [row for place, row in enumerate(done) if place < TRIALS_SHOWN or row["chosen"]]
    return [{**row, "said": _said(row["parameters"])} for row in shown]


def _checks(decision: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """Return the gate's checks as name and numbers, whatever shape they have."""
    if not decision or not decision.get("checks"):
        return []
    given = decision["checks"]
    pairs = (
        given.items() if isinstance(given, Mapping) else ((row.get("check", row.get("name", "")), row) for row in given)
    )
    return [{"name": words.name(str(key)), "passed": _passed(value), "said": _said(value)} for key, value in pairs]


def _passed(value: Any) -> str:
    passed = value.get("passed") if isinstance(value, Mapping) else value
    return {True: "passed", False: "failed"}.get(passed, "") if isinstance(passed, bool) else ""


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        left_out = ("passed", "check", "name")
        return ", ".join(f"{key.replace('_', ' ')} {_said(one)}" for key, one in value.items() if key not in left_out)
    if isinstance(value, list | tuple):
        return "; ".join(map(_said, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return words.NONE
    return f"{value:.4g}" if isinstance(value, float) else str(value)
