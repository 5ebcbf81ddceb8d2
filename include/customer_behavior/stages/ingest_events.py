"""`ingest_events` and `load_history`: the landed files of days become events, and dimensions."""

from datetime import date
from pathlib import Path
from typing import Any

from customer_behavior import readiness
from customer_behavior.names import Role
from customer_behavior.paths import landing_dir
from customer_behavior.settings import load_settings
from customer_behavior.warehouse import Warehouse


def require_files(warehouse: Warehouse, as_of: date, landing: Path) -> None:
    """Raise NotReadyError unless each active source has landed its files for the day before `as_of`, or may do without."""
    with warehouse.begin(Role.INGEST) as connection:
        readiness.require_files(connection, load_settings().shop.sources, as_of, landing)


def begins_later(warehouse: Warehouse, source: str, day: date, landing: Path) -> date | None:
    """Return the first batch date of a source that was switched on after `day` and has no file for it; None where it has to load."""
    with warehouse.begin(Role.INGEST) as connection:
        return readiness.begins_later(connection, source, day, landing)


def ingest(
    warehouse: Warehouse,
    source: str,
    first: date,
    last: date,
    *,
    landing: Path | None = None,
    run_id: str | None = None,
) -> dict[str, Any]:
    """Load the batches of a source, `first` to `last`, both included; see `customer_behavior.ingest.batches.load_batches`.

    `landing` is LANDING_DIR by default.
    """
    from customer_behavior.ingest.batches import load_batches

    return load_batches(
        warehouse, load_settings().shop, source, first, last, landing=landing or landing_dir(), run_id=run_id
    )


def load_delivery(
    warehouse: Warehouse, dimension: str, batch_date: date, *, landing: Path | None = None, run_id: str | None = None
) -> dict[str, Any]:
    """Load what a dimension landed for a date; see `customer_behavior.ingest.dimensions.loading.load_delivery`."""
    from customer_behavior.ingest.dimensions import loading

    return loading.load_delivery(
        warehouse, load_settings().shop, dimension, batch_date, landing=landing or landing_dir(), run_id=run_id
    )
