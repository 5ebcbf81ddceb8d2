"""Publish a date's staged scores: checked against the population, ranked over all, swapped in at once."""

import logging
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.errors import CheckFailedError
from customer_behavior.settings import TargetKey, load_shop, load_targets
from customer_behavior.training.promotions import champions
from customer_behavior.training.statements import population_clause, with_clauses
from customer_behavior.warehouse import Warehouse, audit, ensure_partitions, lock, run_sql

log = logging.getLogger(__name__)


def publish(warehouse: Warehouse, as_of: date, *, run_token: str, buckets: int, run_id: str | None) -> dict[str, Any]:
    """Replace models.scores of `as_of` by what the run staged, in one transaction; return the rows and model by target.

    Raises
    ------
    CheckFailedError
        When a bucket is missing or does not hold its customers, or another model than the champion scored; nothing is
        published, and the scores that were there stay.
    """
    settings, primary = load_targets(), load_shop().primary_target
    result: dict[str, Any] = {"as_of": str(as_of), "rows": {}, "models": {}}
    with warehouse.begin("score") as connection:
        lock(connection, f"publish scores {as_of}")
        serving = champions(connection, settings, primary, as_of)
        for key, name in serving.items():
            _check_models(connection, key, name, as_of, run_token)
            _check_buckets(connection, key, as_of, run_token, buckets, must_hold=key == primary)
        ensure_partitions(connection, "models.scores", as_of, as_of, unit="month")
        deleted = connection.execute(
            sa.text("DELETE FROM models.scores WHERE as_of_date = :as_of"), {"as_of": as_of}
        ).rowcount
        for key, name in serving.items():
            slice_ = {"run_token": run_token, "as_of": as_of, "target": key.target, "horizon_days": key.horizon_days}
            result["rows"][str(key)] = run_sql(connection, "scoring/publish", **slice_).rowcount
            result["models"][str(key)] = name
        run_sql(connection, "scoring/clear_staging", run_token=run_token)
        audit(connection, "models.scores", str(as_of), deleted, sum(result["rows"].values()), run_id)
    log.info("scores as of %s: %s", as_of, result["rows"])
    return result


def _check_models(connection: Connection, key: TargetKey, name: str, as_of: date, run_token: str) -> None:
    used = connection.execute(
        sa.text(
            "SELECT DISTINCT model_id FROM models.score_staging WHERE run_token = :run_token AND as_of_date = :as_of"
            " AND target = :target AND horizon_days = :horizon_days ORDER BY model_id"
        ),
        {"run_token": run_token, "as_of": as_of, "target": key.target, "horizon_days": key.horizon_days},
    ).scalars()
    others = [model for model in used if model != name]
    if others:
        raise CheckFailedError(
            f"{key} as of {as_of} was scored by {', '.join(others)}, but {name} serves that date now: a promotion came in "
            "between; score the date again"
        )


def _check_buckets(
    connection: Connection, key: TargetKey, as_of: date, run_token: str, buckets: int, *, must_hold: bool
) -> None:
    target = load_targets().targets[key.target]
    counts = connection.execute(
        with_clauses([population_clause(target)], "scoring/bucket_counts"),
        {
            "run_token": run_token,
            "as_of": as_of,
            "target": key.target,
            "horizon_days": key.horizon_days,
            "days": target.population.days,
            "buckets": buckets,
        },
    ).all()
    wrong = [row for row in counts if not row.expected == row.staged == row.matched]
    if wrong:
        first = wrong[0]
        raise CheckFailedError(
            f"{key} as of {as_of}: bucket {first.bucket + 1} of {buckets} has {first.staged} staged rows for "
            f"{first.expected} customers ({first.matched} of them match; {len(wrong)} buckets are wrong): score the date "
            "again; nothing was published"
        )
    if must_hold and not counts:
        raise CheckFailedError(
            f"{key} as of {as_of} has nobody to score: the population {target.population.name} of "
            f"{target.population.days} days is empty; nothing was published"
        )
