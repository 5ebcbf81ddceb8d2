"""
### maintain_warehouse

Retention: every Monday, what is older than `include/config/retention.yaml` says. Ages count from the newest date that the data
knows, so the run's own date does not matter. It removes something only if retention.yaml says `apply: true`; until then each run
says in its log what would go. The newest ready morning of marketing always stays, and a run that would remove more than
`largest_share` of a table removes nothing and says so.

A run by form is a dry run unless the form says otherwise. Example form: `{"dry_run": false, "largest_share": 0.9}`.

Erasing a person is `erase_person`, rolling back a model `promote_model`.
"""

from airflow.sdk import Param, dag, task

from customer_behavior.names import Dag
from customer_behavior_airflow.assets import RETAINED
from customer_behavior_airflow.defaults import common, dry_run_param, weekly
from customer_behavior_airflow.run_context import warehouse


@dag(
    **common(Dag.MAINTAIN_WAREHOUSE, tags=["upkeep"], doc_md=__doc__),
    schedule=weekly(),
    max_active_runs=1,
    params={
        "dry_run": dry_run_param("A scheduled run goes by `apply` of retention.yaml instead."),
        "largest_share": Param(
            None,
            type=["null", "number"],
            exclusiveMinimum=0,
            maximum=1,
            title="Largest share of a table",
            description_md="What this run may remove of any table, 0 to 1. Empty: as retention.yaml says.",
        ),
    },
)
def maintain_warehouse():
    @task(outlets=[RETAINED])
    def apply_retention(params: dict, run_id: str, dag_run) -> dict:
        from customer_behavior.stages import maintain_warehouse as stage

        return stage.apply_retention(
            warehouse(),
            dry_run=None if dag_run.run_type == "scheduled" else params["dry_run"],
            largest_share=params["largest_share"],
            run_id=run_id,
        )

    apply_retention()


maintain_warehouse()
