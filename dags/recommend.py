"""
### recommend

What to show each customer (own repeat purchases, decayed) and what to do about them (rules of `include/config/actions.yaml`
with cooldown and holdout). Builds on the day before: run out of order it fails, naming the first missing date.

Example form: `{"as_of_date": "2017-12-26"}`.
"""

from airflow.sdk import dag, task

from customer_behavior.names import Dag
from customer_behavior_airflow import checks
from customer_behavior_airflow.assets import RECOMMENDATIONS
from customer_behavior_airflow.defaults import as_of_param, common, nightly
from customer_behavior_airflow.run_context import current_run, warehouse
from customer_behavior_airflow.waiting import WaitUntilReady


@dag(
    **common(Dag.RECOMMEND, tags=["marketing"], doc_md=__doc__),
    schedule=nightly(),
    params={"as_of_date": as_of_param()},
)
def recommend():
    ready = WaitUntilReady(task_id="wait_for_scores", check=checks.recommendable)

    @task
    def recommend_products() -> dict:
        from customer_behavior.stages import recommend as stage

        run = current_run()
        return stage.products(warehouse(), run.as_of, run_id=run.run_id)

    @task(outlets=[RECOMMENDATIONS])
    def recommend_actions() -> dict:
        from customer_behavior.stages import recommend as stage

        run = current_run()
        return stage.actions(warehouse(), run.as_of, run_id=run.run_id)

    ready >> recommend_products() >> recommend_actions()


recommend()
