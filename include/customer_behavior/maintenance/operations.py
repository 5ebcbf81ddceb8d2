"""The operations of the form of maintain_warehouse, by name."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from customer_behavior.errors import ConfigurationError
from customer_behavior.maintenance.erasure import erase_customer
from customer_behavior.maintenance.retention import apply_retention
from customer_behavior.warehouse import Warehouse

RETENTION, ERASE, ROLLBACK = "retention", "erase", "rollback"


def run_operation(
    warehouse: Warehouse, as_of: date, form: Mapping[str, Any], *, run_id: str | None = None
) -> dict[str, Any]:
    """Do what a form asks for; without `dry_run: false` only say what would happen.

    Raises
    ------
    ConfigurationError
        When the operation is not known, or misses a field.
    """
    operation, dry_run = form.get("operation", RETENTION), bool(form.get("dry_run", True))
    if operation == RETENTION:
        return apply_retention(warehouse, as_of, dry_run, run_id=run_id)
    if operation == ERASE:
        return erase_customer(warehouse, _field(form, "customer_id"), dry_run, run_id=run_id)
    if operation == ROLLBACK:
        return _roll_back(warehouse, as_of, form, dry_run, run_id)
    raise ConfigurationError(f"operation {operation!r} is none of {RETENTION}, {ERASE}, {ROLLBACK}")


def _field(form: Mapping[str, Any], name: str) -> str:
    value = form.get(name)
    if value is None or not str(value).strip():
        raise ConfigurationError(f"the form has no {name}, which operation {form.get('operation')} needs")
    return str(value)


def _roll_back(
    warehouse: Warehouse, as_of: date, form: Mapping[str, Any], dry_run: bool, run_id: str | None
) -> dict[str, Any]:
    from customer_behavior.training import promotions
    from customer_behavior.training.mirror import mirror

    target, model_id, actor = _field(form, "target"), _field(form, "model_id"), _field(form, "actor")
    horizon_days = int(_field(form, "horizon_days"))
    with warehouse.begin("train") as connection:
        serving = promotions.serving_after(connection, target, horizon_days, as_of)
        done = {"dry_run": dry_run, "target": target, "horizon_days": horizon_days, "from": serving, "to": model_id}
        if dry_run:
            return done
        number = promotions.rollback(
            connection,
            target,
            horizon_days,
            model_id,
            as_of,
            reason=f"rolled back from {serving} by form",
            actor=actor,
            run_id=run_id,
        )
    mirror(warehouse)
    return {**done, "promotion_id": number}
