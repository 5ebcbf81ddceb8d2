"""Did the customers move away from those the model was calibrated on?"""

import logging
from datetime import date, timedelta
from functools import partial
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.monitoring.drift.distances import measure
from customer_behavior.settings import Settings, TargetKey
from customer_behavior.targets.statements import population_clause, population_of, with_clauses
from customer_behavior.warehouse import copy_frame, replace_date, run_sql

log = logging.getLogger(__name__)

RUNS = "monitoring.drift_runs"
FEATURES = "monitoring.drift_features"
WEEK = timedelta(days=7)


def measure_drift(connection: Connection, settings: Settings, as_of: date, *, run_id: str | None) -> dict[str, Any]:
    """Compare the snapshot of `as_of` with its reference and record it, in place of what the date held; return the run."""
    limits, features = settings.monitoring.drift, list(settings.features)
    reference_as_of = reference_date(connection, settings.primary, as_of)
    reference, current = (sample(connection, settings, day, limits.sample_rows) for day in (reference_as_of, as_of))
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
        replace_date(connection, table, as_of, partial(copy_frame, connection, table, frame), run_id=run_id)
    log.info("%s against %s: %d of %d features drifted", as_of, reference_as_of, drifted, len(features))
    return {
        "as_of": str(as_of),
        "reference_as_of": str(reference_as_of),
        "features": len(features),
        "features_drifted": drifted,
        "drifted": run["drifted"],
    }


def reference_date(connection: Connection, key: TargetKey, as_of: date) -> date:
    """Return the date of the snapshot to compare with.

    The first there is of: the latest calibration date of the model that scored `as_of`; the date a week before; the newest earlier
    date; `as_of` itself, which then shows no drift.
    """
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


def sample(connection: Connection, settings: Settings, day: date, rows: int) -> pd.DataFrame:
    """Return up to `rows` of the date's customers that the primary target is asked of: the same ones each time."""
    target = settings.targets.targets[settings.primary.target]
    statement = with_clauses([population_clause(target)], "monitoring/snapshot_sample")
    parameters: dict[str, Any] = {
        "as_of": day,
        "days": population_of(target).days,
        "seed": settings.targets.training.seed,
        "rows": rows,
    }
    return pd.read_sql_query(statement, connection, params=parameters)


def _has_snapshot(connection: Connection, day: date) -> bool:
    found = connection.execute(
        sa.text("SELECT 1 FROM features.customer_snapshot WHERE as_of_date = :day LIMIT 1"), {"day": day}
    )
    return found.scalar() is not None
