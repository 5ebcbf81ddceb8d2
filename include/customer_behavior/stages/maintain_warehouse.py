"""`maintain_warehouse`: retention."""

from typing import Any

from customer_behavior.settings import load_settings
from customer_behavior.warehouse import Warehouse


def apply_retention(
    warehouse: Warehouse,
    dry_run: bool | None = True,
    *,
    largest_share: float | None = None,
    run_id: str | None = None,
) -> dict[str, Any]:
    """Drop what is too old, or say what would go; see `customer_behavior.maintenance.retention.apply_retention`.

    `dry_run` is None for a scheduled run, which goes by `apply` of retention.yaml.
    """
    from customer_behavior.maintenance import retention

    settings = load_settings()
    only_said = not settings.retention.apply if dry_run is None else dry_run
    return retention.apply_retention(warehouse, settings, only_said, largest_share=largest_share, run_id=run_id)
