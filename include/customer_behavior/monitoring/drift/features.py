"""Did the customers move away from those the model was calibrated on?"""

import logging
from datetime import date, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.monitoring.drift.distances import measure
from customer_behavior.settings import load_features, load_monitoring, load_shop, load_targets
from customer_behavior.targets.statements import population_of
from customer_behavior.warehouse import Warehouse, audit, copy_frame, lock, run_sql, sql_text
from customer_behavior.warehouse.slices import delete_date, require_day_before, require_scores

log = logging.getLogger(__name__)

RUNS = "monitoring.drift_runs"
FEATURES = "monitoring.drift_features"
WEEK = timedelta(days=7)


def measure_drift(warehouse: Warehouse, as_of: date, *, run_id: str | None = None) -> dict[str, Any]:
    """Compare the snapshot of `as_of` with its reference and record it, in place of what the date held.

    Raises
    ------
    NotReadyError
        When the date has not been scored, or has earlier dates but not the day before.
    """
    limits, features = load_monitoring().drift, list(load_features())
    with warehouse.begin("score") as connection:
        lock(connection, "measure_drift")
        require_scores(connection, as_of, load_shop().primary_target)
        require_day_before(connection, RUNS, as_of, "monitor_models")
        reference_as_of = reference_date(connection, as_of)
        reference = sample(connection, reference_as_of, limits.sample_rows)
        current = sample(connection, as_of, limits.sample_rows)
        moved = measure(reference, current, features, limits)
        drifted = int(moved["drifted"].sum())
        run = {
            "as_of_date": as_of,
            "reference_as_of": reference_as_of,
            "reference_rows": len(reference),
            "current_rows": len(current),
            "features": len(features),
            "features_drifted": drifted,
            "share_drifted": drifted / len(features),
            "limit_share": limits.limit_share,
            "drifted": drifted / len(features) >= limits.limit_share,
        }
        for table, frame in ((RUNS, pd.DataFrame([run])), (FEATURES, moved.assign(as_of_date=as_of))):
            deleted = delete_date(connection, table, as_of)
            written = copy_frame(connection, table, frame)
            audit(connection, table, str(as_of), deleted, written, run_id)
    log.info("%s against %s: %d of %d features drifted", as_of, reference_as_of, drifted, len(features))
    return {
        "as_of": str(as_of),
        "reference_as_of": str(reference_as_of),
        "features": len(features),
        "features_drifted": drifted,
        "drifted": run["drifted"],
    }


def reference_date(connection: Connection, as_of: date) -> date:
    """Return the snapshot to compare with, the first there is of: the latest calibration date of the model that scored
    `as_of`; the date a week before; the newest earlier date; `as_of` itself, which then shows no drift."""
    key = load_shop().primary_target
    calibrated = run_sql(
        connection, "monitoring/calibration_date", as_of=as_of, target=key.target, horizon_days=key.horizon_days
    ).scalar()
    for day in (calibrated, as_of - WEEK):
        if day is not None and _has_snapshot(connection, day):
            return day
    newest = connection.execute(
        sa.text("SELECT max(as_of_date) FROM features.customer_snapshot WHERE as_of_date < :as_of"), {"as_of": as_of}
    ).scalar()
    return newest or as_of


def sample(connection: Connection, day: date, rows: int) -> pd.DataFrame:
    """Return up to `rows` of the date's customers that the primary target is asked of: the same ones each time."""
    targets, key = load_targets(), load_shop().primary_target
    population = population_of(targets.targets[key.target])
    statement = (
        f"WITH population AS (\n{sql_text(f'targets/populations/{population.name}').text})\n"
        + sql_text("monitoring/snapshot_sample").text
    )
    parameters: dict[str, Any] = {"as_of": day, "days": population.days, "seed": targets.training.seed, "rows": rows}
    return pd.read_sql_query(sa.text(statement), connection, params=parameters)


def _has_snapshot(connection: Connection, day: date) -> bool:
    found = connection.execute(
        sa.text("SELECT 1 FROM features.customer_snapshot WHERE as_of_date = :day LIMIT 1"), {"day": day}
    )
    return found.scalar() is not None
