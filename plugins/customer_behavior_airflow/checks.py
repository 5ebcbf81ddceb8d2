"""What a date needs before a stage begins: each raises NotReadyError naming what is missing, or skips what is not needed."""

from datetime import date

from airflow.sdk.exceptions import AirflowSkipException

from customer_behavior.asof import batch_date_for
from customer_behavior.errors import NotReadyError
from customer_behavior.warehouse import Warehouse
from customer_behavior_airflow.landing import landing


def files_landed(warehouse: Warehouse, as_of: date) -> None:
    """Every active source has landed its files for the day before `as_of`, or may do without."""
    from customer_behavior.ingest.batches import missing_files
    from customer_behavior.settings import load_shop

    day = batch_date_for(as_of)
    first = _first_batches(warehouse)
    missing = missing_files(day, landing(), [name for name in load_shop().sources if first.get(name, day) <= day])
    if missing:
        raise NotReadyError("; ".join(missing))


def skip_before_its_first(warehouse: Warehouse, source: str, day: date) -> None:
    """Skip the task when `source` has no file for `day`, and all of its batches are later: it was switched on later."""
    from customer_behavior.ingest.batches import missing_files

    first = _first_batches(warehouse).get(source, day)
    if day < first and missing_files(day, landing(), [source]):
        raise AirflowSkipException(f"source {source} has no file for {day}; it begins with {first}")


def _first_batches(warehouse: Warehouse) -> dict[str, date]:
    from customer_behavior.readiness import first_batches

    with warehouse.begin("ingest") as connection:
        return first_batches(connection)


def batches_loaded(warehouse: Warehouse, as_of: date) -> None:
    """Every active source has a row in the ledger for the day before `as_of`."""
    from customer_behavior.readiness import require_ready

    with warehouse.begin("score") as connection:
        require_ready(connection, as_of)


def recommendable(warehouse: Warehouse, as_of: date) -> None:
    """models.scores has the primary target for `as_of`, and the recommendations of the day before are there."""
    _scored_and_in_order(warehouse, as_of, "marketing.action_recommendations", "recommend")


def monitorable(warehouse: Warehouse, as_of: date) -> None:
    """models.scores has the primary target for `as_of`, and the day before has been monitored."""
    _scored_and_in_order(warehouse, as_of, "monitoring.drift_runs", "monitor_models")


def _scored_and_in_order(warehouse: Warehouse, as_of: date, table: str, dag_id: str) -> None:
    from customer_behavior.settings import load_shop
    from customer_behavior.warehouse.slices import require_day_before, require_scores

    with warehouse.begin("score") as connection:
        require_day_before(connection, table, as_of, dag_id)
        require_scores(connection, as_of, load_shop().primary_target)


def recommendations_made(warehouse: Warehouse, as_of: date) -> None:
    """marketing.action_recommendations has `as_of`."""
    from customer_behavior.marketing.contract import require_recommendations

    with warehouse.begin("score") as connection:
        require_recommendations(connection, as_of)
