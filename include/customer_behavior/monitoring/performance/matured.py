"""Scores whose outcome is known by now, set against what happened."""

import json
import logging
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from customer_behavior.evaluation import metrics
from customer_behavior.ingest.source import lateness_days
from customer_behavior.monitoring.error_segments.search import Cluster, find_clusters
from customer_behavior.monitoring.error_segments.segment_rules import rule_to_json
from customer_behavior.settings import Settings, Target, TargetKey
from customer_behavior.targets.statements import outcome_clause, with_clauses
from customer_behavior.warehouse import audit, copy_frame, replace_slice, run_sql

log = logging.getLogger(__name__)

PERFORMANCE = "monitoring.model_performance"
CLUSTERS = "monitoring.error_clusters"


def judge_matured(connection: Connection, settings: Settings, as_of: date, *, run_id: str | None) -> dict[str, Any]:
    """Judge every scored date, target and horizon whose outcome is known at `as_of` and was not judged at another date.

    Returns
    -------
    dict
        as_of, `judged` (each with scored_as_of, target, n, ece and confirmed clusters), and `skipped`: due, but without
        a snapshot or an outcome to judge by.
    """
    judged: list[dict[str, Any]] = []
    skipped: list[dict[str, Any]] = []
    lateness = lateness_days(settings.shop.sources)
    for key in settings.targets.judged_keys():
        for scored_as_of in due_dates(connection, key, as_of, lateness):
            rows = read_outcomes(connection, settings.targets.targets[key.target], key, scored_as_of, as_of)
            if rows.empty:
                log.warning("%s of %s cannot be judged: no snapshot of its customers is left", key, scored_as_of)
                skipped.append({"scored_as_of": str(scored_as_of), "target": str(key)})
                continue
            judged.append(_judge(connection, settings, key, scored_as_of, as_of, rows, run_id))
    log.info("%s: judged %s", as_of, judged)
    return {"as_of": str(as_of), "judged": judged, "skipped": skipped}


def due_dates(connection: Connection, key: TargetKey, as_of: date, lateness: int) -> list[date]:
    """Return the scored dates of a target that are due at `as_of`, in order: what comes `lateness` days late has come."""
    return list(
        run_sql(
            connection,
            "monitoring/due_dates",
            as_of=as_of,
            latest=as_of - timedelta(days=key.horizon_days + lateness),
            target=key.target,
            horizon_days=key.horizon_days,
        ).scalars()
    )


def read_outcomes(
    connection: Connection, target: Target, key: TargetKey, scored_as_of: date, known_at: date
) -> pd.DataFrame:
    """Return each scored customer's snapshot, probability, model and label, as known at `known_at`."""
    statement = with_clauses([outcome_clause(target)], "monitoring/judged_rows")
    parameters: dict[str, Any] = {
        "as_of": scored_as_of,
        "target": key.target,
        "horizon_days": key.horizon_days,
        "known_at": known_at,
    }
    return pd.read_sql_query(statement, connection, params=parameters)


def last_judged(connection: Connection, key: TargetKey, as_of: date) -> RowMapping | None:
    """Return the newest judgement of a target that was known before `as_of`, None when there is none."""
    return (
        run_sql(connection, "monitoring/last_judged", as_of=as_of, target=key.target, horizon_days=key.horizon_days)
        .mappings()
        .one_or_none()
    )


def performance_of(label: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Return the measures of monitoring.model_performance; auc is NaN when one class only came about."""
    return {
        "n": len(label),
        "base_rate": float(label.mean()),
        "mean_predicted": float(probability.mean()),
        "auc": metrics.auc(label, probability),
        "brier": metrics.brier(label, probability),
        "log_loss": metrics.log_loss(label, probability),
        "ece": metrics.calibration_error(label, probability),
    }


def _judge(
    connection: Connection,
    settings: Settings,
    key: TargetKey,
    scored_as_of: date,
    as_of: date,
    rows: pd.DataFrame,
    run_id: str | None,
) -> dict[str, Any]:
    limits, catalogue = settings.monitoring, settings.features
    label = rows["label"].to_numpy(dtype=np.float64)
    probability = rows["probability"].to_numpy(dtype=np.float64)
    measures = performance_of(label, probability)
    clusters = find_clusters(
        rows,
        rows["customer_id"].to_list(),
        probability,
        label,
        catalogue,
        limits.errors,
        limits.performance.max_ece,
        settings.targets.training.seed,
    )
    identity = {
        "scored_as_of": scored_as_of,
        "target": key.target,
        "horizon_days": key.horizon_days,
        "judged_as_of": as_of,
    }
    performance = pd.DataFrame([{**identity, "model_id": rows["model_id"].iloc[0], **measures}])
    segments = pd.DataFrame([{**identity, **_row(number, cluster)} for number, cluster in enumerate(clusters, start=1)])
    _record(connection, key, scored_as_of, performance, segments, run_id)
    return {
        "scored_as_of": str(scored_as_of),
        "target": str(key),
        "n": measures["n"],
        "ece": measures["ece"],
        "clusters": len(clusters),
        "confirmed": sum(cluster.confirmed for cluster in clusters),
    }


def _row(number: int, cluster: Cluster) -> dict[str, Any]:
    values = {name: value for name, value in vars(cluster).items() if name != "rule"}
    return {"cluster": number, "rule": json.dumps(rule_to_json(cluster.rule)), **values}


def _record(
    connection: Connection,
    key: TargetKey,
    scored_as_of: date,
    performance: pd.DataFrame,
    segments: pd.DataFrame,
    run_id: str | None,
) -> None:
    """Write a judgement and its segments, in place of what the scored date had."""
    slice_of_date = {"scored_as_of": scored_as_of, "target": key.target, "horizon_days": key.horizon_days}
    piece = f"{scored_as_of} {key.target}/{key.horizon_days}"
    make_way = sa.text("SELECT monitoring.make_way(:scored_as_of, :target, :horizon_days)")
    deleted = connection.execute(make_way, slice_of_date).scalar_one()  # no role deletes a judgement; it is replaced
    audit(connection, PERFORMANCE, piece, deleted, copy_frame(connection, PERFORMANCE, performance), run_id)
    replace_slice(
        connection,
        CLUSTERS,
        slice_of_date,
        lambda: copy_frame(connection, CLUSTERS, segments) if len(segments) else 0,
        piece=piece,
        run_id=run_id,
    )
