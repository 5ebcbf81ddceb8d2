"""`promote_model`: a person decides which model serves."""

from typing import Any

from customer_behavior.asof import parse_date
from customer_behavior.settings import TargetKey
from customer_behavior.warehouse import Warehouse


def list_models(warehouse: Warehouse, key: TargetKey, serves_after: str | None) -> dict[str, Any]:
    """Return what a person chooses from: `options`, `serves_after` (a date as text) and `now`, in words."""
    from customer_behavior.maintenance.models import choices

    after = parse_date(serves_after, "serves_after") if serves_after else None
    choice = choices(warehouse, key, after)
    return {"options": choice.options, "serves_after": str(choice.serves_after), "now": choice.now}


def promote(
    warehouse: Warehouse, key: TargetKey, chosen: str, serves_after: str, *, reason: str, actor: str, run_id: str | None
) -> dict[str, Any]:
    """Let the chosen model serve the dates after `serves_after`; see `customer_behavior.maintenance.models.promote_chosen`."""
    from customer_behavior.maintenance.models import promote_chosen

    return promote_chosen(
        warehouse,
        key,
        chosen,
        parse_date(serves_after, "serves_after"),
        reason=reason,
        actor=actor,
        run_id=run_id,
    )
