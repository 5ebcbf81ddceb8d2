"""`monitor_models`: drift, matured scores, error segments; incidents, and the mail that tells of them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from customer_behavior.names import Dag, Role
from customer_behavior.readiness import require_day_before, require_scores
from customer_behavior.settings import load_settings
from customer_behavior.warehouse import Warehouse, lock

DRIFT_RUNS = "monitoring.drift_runs"


def require_scored(warehouse: Warehouse, as_of: date) -> None:
    """Raise NotReadyError unless `as_of` has been scored, and the day before has been monitored."""
    with warehouse.begin(Role.SCORE) as connection:
        require_day_before(connection, DRIFT_RUNS, as_of, Dag.MONITOR_MODELS)
        require_scores(connection, as_of, load_settings().primary)


def measure_drift(warehouse: Warehouse, as_of: date, *, run_id: str | None = None) -> dict[str, Any]:
    """Compare the snapshot of `as_of` with its reference and record it, in place of what the date held.

    Raises
    ------
    NotReadyError
        When the date has not been scored, or has earlier dates but not the day before.
    """
    from customer_behavior.monitoring.drift import features

    settings = load_settings()
    with warehouse.begin(Role.SCORE) as connection:
        lock(connection, "measure_drift")
        require_scores(connection, as_of, settings.primary)
        require_day_before(connection, DRIFT_RUNS, as_of, Dag.MONITOR_MODELS)
        return features.measure_drift(connection, settings, as_of, run_id=run_id)


def judge_matured(warehouse: Warehouse, as_of: date, *, run_id: str | None = None) -> dict[str, Any]:
    """Judge every scored date, target and horizon whose outcome is known at `as_of` and was not judged at another date.

    Raises
    ------
    NotReadyError
        When earlier dates were monitored but not the day before.
    """
    from customer_behavior.monitoring.performance import matured

    with warehouse.begin(Role.SCORE) as connection:
        lock(connection, "judge_matured")
        require_day_before(connection, DRIFT_RUNS, as_of, Dag.MONITOR_MODELS)
        return matured.judge_matured(connection, load_settings(), as_of, run_id=run_id)


def raise_incidents(
    warehouse: Warehouse, as_of: date, *, quiet: bool, run_id: str | None = None
) -> list[dict[str, Any]]:
    """Record what is wrong on `as_of`; see `customer_behavior.monitoring.incidents.alerts.raise_incidents`."""
    from customer_behavior.monitoring.incidents import alerts

    with warehouse.begin(Role.SCORE) as connection:
        lock(connection, "raise_incidents")
        return alerts.raise_incidents(connection, load_settings(), as_of, quiet=quiet, run_id=run_id)


def pending_mail(warehouse: Warehouse, as_of: date) -> dict[str, Any] | None:
    """Return the mail that has to be sent for `as_of`; see `customer_behavior.monitoring.incidents.mail.pending_mail`."""
    from customer_behavior.monitoring.incidents import mail

    with warehouse.begin(Role.SCORE) as connection:
        return mail.pending_mail(connection, load_settings().shop, as_of)


def mark_mailed(
    warehouse: Warehouse, as_of: date, alert_ids: Sequence[int], *, run_id: str | None = None
) -> dict[str, Any]:
    """Record that the mail with these alerts was handed over; return how many it marked."""
    from customer_behavior.monitoring.incidents import mail

    with warehouse.begin(Role.SCORE) as connection:
        lock(connection, "raise_incidents")
        return mail.mark_mailed(connection, as_of, alert_ids, run_id=run_id)
