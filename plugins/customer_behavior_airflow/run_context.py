"""What a task needs to know of its run; the one place where the rule of time meets Airflow."""

from dataclasses import dataclass
from datetime import date

from airflow.sdk import Connection, get_current_context

from customer_behavior.asof import resolve_as_of
from customer_behavior.settings import load_shop
from customer_behavior.warehouse import Warehouse

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
    """Return the run of the task that asks.

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
    as_of = resolve_as_of(dag_run.logical_date, params, load_shop().zone)
    return Run(as_of, dag_run.run_id, dag_run.run_type == "scheduled", params)


def warehouse() -> Warehouse:
    """Return the warehouse of Airflow's connection `warehouse`."""
    return Warehouse(Connection.get(WAREHOUSE_CONNECTION).get_uri())
