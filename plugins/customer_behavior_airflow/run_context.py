"""What a task needs to know of its run; the one place where the rule of time meets Airflow."""

import logging
from dataclasses import dataclass
from datetime import date

from airflow.sdk import get_current_context

from customer_behavior.asof import dates_in_words, other_midnight, resolve_as_of
from customer_behavior.settings import load_shop
from customer_behavior.warehouse import Warehouse
from customer_behavior_airflow.connections import connection

log = logging.getLogger(__name__)

WAREHOUSE_CONNECTION = "warehouse"


@dataclass(frozen=True)
class Run:
    """A run, as the stages see it.

    Attributes
    ----------
    as_of : date
        The run's as-of date.
    run_id : str
        For the audit and the ledger.
    scheduled : bool
        Started by the timetable: it waits for what is missing, and it may mail. Any other run fails at once and is quiet.
    params : dict
        The form.
    """

    as_of: date
    run_id: str
    scheduled: bool
    params: dict


def current_run() -> Run:
    """Return the run of the task that asks, whose log then says which dates it works on.

    Raises
    ------
    ConfigurationError
        When the run has neither a logical date nor an as_of_date in its form, or both and they disagree.
    """
    return run_of(get_current_context())


def run_of(context) -> Run:
    """Return the run of a task's context. `data_interval` is never read: see `customer_behavior.asof`."""
    dag_run = context["dag_run"]
    params = dict(context["params"])
    zone = load_shop().zone
    as_of = resolve_as_of(dag_run.logical_date, params, zone)
    log.info("%s", dates_in_words(dag_run.logical_date, as_of, zone))
    if warning := other_midnight(dag_run.logical_date, zone):
        log.warning("%s", warning)
    return Run(as_of, dag_run.run_id, dag_run.run_type == "scheduled", params)


def warehouse() -> Warehouse:
    """Return the warehouse of Airflow's connection `warehouse`."""
    return Warehouse(connection(WAREHOUSE_CONNECTION, "the warehouse").get_uri())
