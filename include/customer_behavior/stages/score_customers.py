"""`score_customers`: the snapshot of a date → calibrated probabilities and reasons, bucket by bucket → swapped in at once."""

from datetime import date
from typing import Any

from customer_behavior.asof import batch_date_for
from customer_behavior.features import sessions, snapshot
from customer_behavior.names import Role
from customer_behavior.readiness import require_ready
from customer_behavior.settings import load_settings
from customer_behavior.warehouse import Warehouse, lock


def require_batches(warehouse: Warehouse, as_of: date) -> None:
    """Raise NotReadyError unless every active source has a row in the ledger for the day before `as_of`."""
    with warehouse.begin(Role.SCORE) as connection:
        require_ready(connection, load_settings().shop.sources, as_of)


def take_snapshot(warehouse: Warehouse, as_of: date, *, run_id: str | None = None) -> list[int]:
    """Write the snapshots of a date's customers and of the day's sessions; return the buckets to score.

    Raises
    ------
    NotReadyError
        When a batch is missing, nobody is known, or the primary target has no model that was promoted before `as_of`.
    """
    settings = load_settings()
    snapshot.build(warehouse, settings, as_of, run_id=run_id)
    sessions.build(warehouse, settings, batch_date_for(as_of), run_id=run_id)
    return plan_buckets(warehouse, as_of)


def plan_buckets(warehouse: Warehouse, as_of: date) -> list[int]:
    """Return the buckets of a date's snapshot; NotReadyError when there is nobody, or no model, to score with."""
    from customer_behavior.models.promotions import serving_models
    from customer_behavior.scoring import plan

    settings = load_settings()
    with warehouse.begin(Role.SCORE) as connection:
        serving_models(connection, settings, as_of)
        return plan.plan_buckets(connection, as_of, settings.targets.scoring.bucket_rows)


def score_bucket(
    warehouse: Warehouse, as_of: date, *, bucket: int, buckets: int, run_token: str, run_id: str | None
) -> dict[str, Any]:
    """Stage the scores of one bucket; see `customer_behavior.scoring.bucket.stage_bucket`."""
    from customer_behavior.scoring.bucket import stage_bucket

    with warehouse.begin(Role.SCORE) as connection:
        lock(connection, f"score {run_token} {bucket}")
        rows = stage_bucket(
            connection, load_settings(), as_of, bucket=bucket, buckets=buckets, run_token=run_token, run_id=run_id
        )
    return {"bucket": bucket, "rows": rows}


def publish_scores(
    warehouse: Warehouse, as_of: date, *, run_token: str, buckets: int, run_id: str | None
) -> dict[str, Any]:
    """Swap in what the run staged; see `customer_behavior.scoring.swap_in.swap_in`."""
    from customer_behavior.scoring.swap_in import swap_in

    return swap_in(warehouse, load_settings(), as_of, run_token=run_token, buckets=buckets, run_id=run_id)
