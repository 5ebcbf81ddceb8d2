"""Training: snapshots → time split → fit → calibrate → compare → register → promote, or say why not."""

from datetime import date
from typing import Any

from customer_behavior.settings import TargetKey
from customer_behavior.warehouse import Warehouse


def run(
    warehouse: Warehouse,
    as_of: date,
    *,
    promote: bool,
    run_id: str | None,
    targets: list[TargetKey] | None = None,
    actor: str = "gate",
) -> list[dict[str, Any]]:
    """Train each target on what was known at `as_of`; see `customer_behavior.stages.train_models.train_targets`.

    The libraries of models are imported here and not with the package: a file that only names a stage stays light.
    """
    from customer_behavior.stages.train_models import train_targets

    return train_targets(warehouse, as_of, promote=promote, run_id=run_id, targets=targets, actor=actor)
