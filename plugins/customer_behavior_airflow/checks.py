"""What a date needs before a stage begins: each raises NotReadyError naming what is missing, or skips what is not needed."""

from datetime import date

from airflow.sdk.exceptions import AirflowSkipException

from customer_behavior.warehouse import Warehouse
from customer_behavior_airflow.landing import landing


def files_landed(warehouse: Warehouse, as_of: date) -> None:
    """Every active source has landed its files for the day before `as_of`, or may do without."""
    from customer_behavior.stages import ingest_events

    ingest_events.require_files(warehouse, as_of, landing())


def skip_before_its_first(warehouse: Warehouse, source: str, day: date) -> None:
    """Skip the task when `source` has no file for `day`, and all of its batches are later: it was switched on later."""
    from customer_behavior.stages import ingest_events

    first = ingest_events.begins_later(warehouse, source, day, landing())
    if first is not None:
        raise AirflowSkipException(f"source {source} has no file for {day}; it begins with {first}")


def batches_loaded(warehouse: Warehouse, as_of: date) -> None:
    """Every active source has a row in the ledger for the day before `as_of`."""
    from customer_behavior.stages import score_customers

    score_customers.require_batches(warehouse, as_of)


def recommendable(warehouse: Warehouse, as_of: date) -> None:
    """models.scores has the primary target for `as_of`, and the recommendations of the day before are there."""
    from customer_behavior.stages import recommend

    recommend.require_scored(warehouse, as_of)


def monitorable(warehouse: Warehouse, as_of: date) -> None:
    """models.scores has the primary target for `as_of`, and the day before has been monitored."""
    from customer_behavior.stages import monitor_models

    monitor_models.require_scored(warehouse, as_of)


def recommendations_made(warehouse: Warehouse, as_of: date) -> None:
    """marketing.action_recommendations has `as_of`."""
    from customer_behavior.stages import publish_marketing

    publish_marketing.require_recommended(warehouse, as_of)
