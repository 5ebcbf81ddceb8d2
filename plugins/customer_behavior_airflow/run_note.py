"""The note of a run, which says its dates where people look first: in the list of runs and at the head of each.

A task cannot write it. The scheduler can, which calls this listener as it starts a run, within the transaction that starts it.
"""

from airflow.listeners import hookimpl

from customer_behavior.asof import dates_in_words, other_midnight, resolve_as_of
from customer_behavior.errors import PlatformError
from customer_behavior.settings import load_shop


@hookimpl
def on_dag_run_running(dag_run, msg: str) -> None:
    """Write the dates of a dated DAG's run below what the person who started it has noted."""
    dag = dag_run.dag
    if dag is None or "as_of_date" not in dag.params:
        return
    said = _words(dag_run)
    noted = dag_run.note or ""
    if said not in noted:
        dag_run.note = f"{noted}\n\n{said}".strip()


def _words(dag_run) -> str:
    try:
        zone = load_shop().zone
        as_of = resolve_as_of(dag_run.logical_date, dag_run.conf, zone)
    except PlatformError as error:  # the run will fail with this sentence
        return str(error)
    warning = other_midnight(dag_run.logical_date, zone)
    return dates_in_words(dag_run.logical_date, as_of, zone) + (f" **{warning}**" if warning else "")
