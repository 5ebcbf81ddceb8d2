"""MLflow as a mirror of the warehouse's models: what it lacks is told to it, and the alias of what serves is set."""

import logging
from typing import Any

from sqlalchemy.engine import Connection, RowMapping

from customer_behavior import tracking
from customer_behavior.models import registry
from customer_behavior.names import Role
from customer_behavior.warehouse import Warehouse, audit, lock, run_sql

log = logging.getLogger(__name__)

AT_ONCE = 20
"""Models that are told in one go, newest first: what piled up while MLflow was away comes in a few nights."""
METRICS = (
    "base_rate", "auc", "auc_low", "auc_high", "pr_auc", "brier", "log_loss", "ece", "ece_null95", "lift10", "mae", "rmse",
    "deviance", "gini",
)  # fmt: skip


def mirror(warehouse: Warehouse) -> None:
    """Tell MLflow of the models it has not heard of, and which of them serve.

    Without MLFLOW_TRACKING_URI nothing is done. A server that is down is a warning: models are trained, promoted and served
    without it, and the next call tells it what it missed.
    """
    try:
        with warehouse.begin(Role.TRAIN) as connection:
            lock(connection, "mirror models")
            for version in run_sql(connection, "tracking/untracked_models", at_once=AT_ONCE).mappings().all():
                logged = tracking.log_training(_record(connection, version))
                if logged is None:
                    return
                run_sql(
                    connection,
                    "tracking/record_tracking",
                    model_id=version["model_id"],
                    run_id=logged.run_id,
                    version=logged.version,
                    url=logged.url,
                )
                audit(connection, "models.tracking", version["model_id"], 0, 1, None)
            serving = {
                (row.target, row.horizon_days): row.model_id
                for row in run_sql(connection, "tracking/newest_promotions")
            }
            mirrored = tracking.mirror_champions(serving)
            for name in mirrored.missing.values() if mirrored else ():
                run_sql(connection, "tracking/forget_tracking", model_id=name)  # told again by the next call
    except tracking.TrackingError as error:
        log.warning("MLflow does not know the newest models yet: %s", error)


def _record(connection: Connection, version: RowMapping) -> tracking.TrainingRecord:
    here = {"model_id": version["model_id"]}
    card: dict[str, Any] = version["card"]
    found = run_sql(connection, "tracking/model_numbers", **here).mappings().one_or_none()
    numbers = dict(found) if found else {}
    plain = {"served": card.get("served"), "seed": card.get("seed"), **card.get("parameters", {})}
    return tracking.TrainingRecord(
        target=version["target"],
        horizon_days=version["horizon_days"],
        as_of=version["trained_as_of"],
        model_id=version["model_id"],
        kind=card.get("kind", "unknown"),
        parameters=plain,
        metrics={name: float(numbers[name]) for name in METRICS if numbers.get(name) is not None},
        tags={"confidence": card.get("confidence", "normal"), "airflow_run": version["run_id"] or ""},
        files={row.name: bytes(row.content) for row in run_sql(connection, "tracking/files_of_model", **here)},
        report_html=registry.report_page(connection, version["model_id"]),
    )
