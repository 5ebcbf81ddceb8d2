"""
### ingest_events

Loads what the active sources landed for a day: files → validated `raw.events`, refused lines with their reason in
`raw.rejected_events`, the ledger `raw.ingest_batches`, and the daily rollup `features.customer_day`; and the shop's dimensions
(products, customers, contacts), if it names any.

Loading a day again replaces it. A backfill may run its days in any order.

| run | as-of date | day loaded |
|---|---|---|
| scheduled, or backfilled, for Tuesday | Wednesday | Tuesday |
| by hand without a logical date | the form's | the day before it |

Example form: `{"as_of_date": "2017-12-26"}` loads the files of 25 December.
"""

from airflow.sdk import dag, task

from customer_behavior.names import Dag
from customer_behavior_airflow import checks
from customer_behavior_airflow.assets import EVENTS
from customer_behavior_airflow.defaults import SHOP, as_of_param, common, nightly
from customer_behavior_airflow.landing import landing
from customer_behavior_airflow.run_context import current_run, warehouse
from customer_behavior_airflow.waiting import WaitUntilReady


@dag(
    **common(Dag.INGEST_EVENTS, tags=["ingest"], doc_md=__doc__),
    schedule=nightly(),
    params={"as_of_date": as_of_param()},
)
def ingest_events():
    landed = WaitUntilReady(task_id="wait_for_files", check=checks.files_landed)

    @task(outlets=[EVENTS], map_index_template="{{ source }}")
    def load_batch(source: str) -> dict:
        from customer_behavior.asof import batch_date_for
        from customer_behavior.stages.ingest_events import ingest

        run = current_run()
        day = batch_date_for(run.as_of)
        checks.skip_before_its_first(warehouse(), source, day)
        return ingest(warehouse(), source, day, day, landing=landing(), run_id=run.run_id)

    @task(map_index_template="{{ dimension }}")
    def load_dimension(dimension: str) -> dict:
        from customer_behavior.asof import batch_date_for
        from customer_behavior.stages import ingest_events as stage

        run = current_run()
        return stage.load_delivery(
            warehouse(), dimension, batch_date_for(run.as_of), landing=landing(), run_id=run.run_id
        )

    landed >> load_batch.expand(source=list(SHOP.sources))
    if SHOP.dimensions:
        landed >> load_dimension.expand(dimension=list(SHOP.dimensions))


ingest_events()
