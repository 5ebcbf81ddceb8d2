"""`erase_person`: a person is removed from every table."""

from typing import Any

from customer_behavior.warehouse import Warehouse


def erase_customer(
    warehouse: Warehouse, customer_id: str | list[str], *, dry_run: bool, spelling: str, run_id: str | None = None
) -> dict[str, Any]:
    """Erase a person, or say how many rows would go; see `customer_behavior.maintenance.erasure.erase_customer`."""
    from customer_behavior.maintenance import erasure

    return erasure.erase_customer(warehouse, customer_id, dry_run=dry_run, spelling=spelling, run_id=run_id)
