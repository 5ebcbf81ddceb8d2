"""
### score_customers

The snapshot of the as-of date → calibrated probabilities and reasons of every target, bucket by bucket → one publication with
counts checked and ranks over all, in `models.scores`. The day's sessions after their first events are kept as well, for models of
whether a session ends in a purchase.

Which model scores D: the newest row of `models.promotions` with `effective_as_of < D`. Days may run in any order.

Example form: `{"as_of_date": "2017-12-26"}`.
"""

from airflow.sdk import dag, task

from customer_behavior.names import Dag
from customer_behavior_airflow import checks
from customer_behavior_airflow.assets import SCORES
from customer_behavior_airflow.defaults import as_of_param, common, nightly
from customer_behavior_airflow.run_context import current_run, warehouse
from customer_behavior_airflow.waiting import WaitUntilReady


@dag(
    **common(Dag.SCORE_CUSTOMERS, tags=["scores"], doc_md=__doc__),
    schedule=nightly(),
    params={"as_of_date": as_of_param()},
)
def score_customers():
    ready = WaitUntilReady(task_id="wait_for_batches", check=checks.batches_loaded)

    @task
    def take_snapshot() -> list[dict]:
        from customer_behavior.stages import score_customers as stage

        run = current_run()
        buckets = stage.take_snapshot(warehouse(), run.as_of, run_id=run.run_id)
        return [{"bucket": bucket, "buckets": len(buckets)} for bucket in buckets]

    @task(map_index_template="bucket {{ bucket + 1 }} of {{ buckets }}")
    def score_bucket(bucket: int, buckets: int) -> dict:
        from customer_behavior.stages import score_customers as stage

        run = current_run()
        return stage.score_bucket(
            warehouse(), run.as_of, bucket=bucket, buckets=buckets, run_token=run.run_id, run_id=run.run_id
        )

    @task(outlets=[SCORES])
    def publish_scores(buckets: list[dict]) -> dict:
        from customer_behavior.stages import score_customers as stage

        run = current_run()
        return stage.publish_scores(
            warehouse(), run.as_of, run_token=run.run_id, buckets=len(buckets), run_id=run.run_id
        )

    buckets = take_snapshot()
    ready >> buckets
    score_bucket.expand_kwargs(buckets) >> publish_scores(buckets)


score_customers()
