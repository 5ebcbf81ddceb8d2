"""
### maintain_warehouse

Weekly: retention as `include/config/retention.yaml` says. By form also: erase a person, or roll a target back to an earlier
model. Everything that destroys is a dry run unless the form says otherwise; a scheduled run applies retention for real.

| operation | needs | does |
|---|---|---|
| `retention` | | drops what is older than its limit |
| `erase` | `customer_id` | removes the person from every table |
| `rollback` | `target`, `horizon_days`, `model_id`, `actor` | appends a row to `models.promotions` |

Example form: `{"operation": "erase", "customer_id": "718", "dry_run": false, "as_of_date": "2018-01-01"}`.
"""

from airflow.sdk import Param, dag, task

from customer_behavior_airflow.assets import PROMOTIONS
from customer_behavior_airflow.defaults import as_of_param, common, weekly
from customer_behavior_airflow.run_context import current_run, warehouse

TEXT = ["null", "string"]


@dag(
    **common("maintain_warehouse", tags=["upkeep"], doc_md=__doc__),
    schedule=weekly(),
    max_active_runs=1,
    params={
        "as_of_date": as_of_param(),
        "operation": Param("retention", type="string", enum=["retention", "erase", "rollback"]),
        "dry_run": Param(True, type="boolean", title="Dry run", description_md="Say what would go, remove nothing."),
        "customer_id": Param(None, type=TEXT, section="Erase a person"),
        "target": Param("purchase", type="string", section="Roll back"),
        "horizon_days": Param(7, type="integer", minimum=1, section="Roll back"),
        "model_id": Param(
            None, type=TEXT, section="Roll back", description_md="A `model_id` of `models.model_versions`."
        ),
        "actor": Param(None, type=TEXT, section="Roll back", title="Your name"),
    },
)
def maintain_warehouse():
    @task(outlets=[PROMOTIONS])
    def maintain() -> dict:
        from customer_behavior import maintenance

        run = current_run()
        form = {**run.params, "dry_run": run.params["dry_run"] and not run.scheduled}
        return maintenance.run_operation(warehouse(), run.as_of, form, run_id=run.run_id)

    maintain()


maintain_warehouse()
