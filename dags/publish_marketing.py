"""
### publish_marketing

Assembles the contract tables of schema `marketing` for a morning, checks them, and swaps them in, in one transaction: either
the whole morning is there or marketing keeps what it had. `marketing.status` says which mornings are ready.

Example form: `{"as_of_date": "2017-12-26"}`.
"""

from airflow.sdk import dag, task

from customer_behavior.names import Dag
from customer_behavior_airflow import checks
from customer_behavior_airflow.assets import CUSTOMER_SCORES
from customer_behavior_airflow.defaults import as_of_param, common, nightly
from customer_behavior_airflow.run_context import current_run, warehouse
from customer_behavior_airflow.waiting import WaitUntilReady


@dag(
    **common(Dag.PUBLISH_MARKETING, tags=["marketing"], doc_md=__doc__),
    schedule=nightly(),
    params={"as_of_date": as_of_param()},
)
def publish_marketing():
    ready = WaitUntilReady(task_id="wait_for_recommendations", check=checks.recommendations_made)

    @task(outlets=[CUSTOMER_SCORES])
    def publish() -> dict:
        from customer_behavior.stages import publish_marketing as stage

        run = current_run()
        return stage.publish(warehouse(), run.as_of, run_id=run.run_id)

    ready >> publish()


publish_marketing()
