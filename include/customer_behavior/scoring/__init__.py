"""Scoring: the snapshot of a date → calibrated probabilities and reasons, bucket by bucket → one publication with ranks."""

from datetime import date
from typing import Any

from customer_behavior.scoring.plan import plan_buckets
from customer_behavior.scoring.swap_in import publish
from customer_behavior.warehouse import Warehouse

__all__ = ["plan_buckets", "publish", "score_bucket"]


def score_bucket(
    warehouse: Warehouse, as_of: date, *, bucket: int, buckets: int, run_token: str, run_id: str | None
) -> dict[str, Any]:
    """Stage the scores of one bucket; see `customer_behavior.scoring.bucket.stage_bucket`.

    The libraries of models are imported here and not with the package: a file that only names a stage stays light.
    """
    from customer_behavior.scoring.bucket import stage_bucket

    return stage_bucket(warehouse, as_of, bucket=bucket, buckets=buckets, run_token=run_token, run_id=run_id)
