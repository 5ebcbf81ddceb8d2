"""`load_history`: a range of days of one source at once, or one export of a whole history."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_behavior.settings import load_settings
from customer_behavior.stages.ingest_events import ingest
from customer_behavior.warehouse import Warehouse

if TYPE_CHECKING:
    from customer_behavior.ingest.history import Cut


def load_history(
    warehouse: Warehouse,
    source: str,
    *,
    file: str | None,
    first: str | None,
    last: str | None,
    landing: Path,
    run_id: str | None = None,
) -> dict[str, Any]:
    """Load a range of days, after cutting `file` into daily files, if one is named; the dates are texts of a form.

    Raises
    ------
    ConfigurationError
        When a date cannot be read, or there is neither a file nor a range.
    """
    from customer_behavior.ingest.history import history_range

    days = history_range(load_settings().shop, source, file, first, last, landing=landing)
    return ingest(warehouse, source, *days, landing=landing, run_id=run_id)


def cut_history(
    source: str, path: Path, *, landing: Path, first: date | None = None, last: date | None = None
) -> "Cut":
    """Cut one file of a source into daily files; see `customer_behavior.ingest.history.cut_history`."""
    from customer_behavior.ingest import history

    return history.cut_history(load_settings().shop, source, path, landing=landing, first=first, last=last)
