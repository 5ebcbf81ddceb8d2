"""
### train_models

For each target of `include/config/targets.yaml`: is the data usable → time split → tune → fit → calibrate → compare with the
baselines and the champion → register → promote, or say why not. A promotion is a row of `models.promotions`, and serves the dates
after its own. Each task has a link **Model report**: the page of its training.

A scheduled run promotes a model that passes the gate. A run by hand or a backfill registers, and promotes only if its form
says so. It needs every batch before its as-of date, and fails naming the first that is missing.

Example form: `{"promote": true}`; without a logical date also `{"as_of_date": "2017-12-24"}`.
"""

from airflow.sdk import Param, dag

from customer_behavior.names import Dag
from customer_behavior.settings import load_targets
from customer_behavior_airflow import checks
from customer_behavior_airflow.assets import PROMOTIONS
from customer_behavior_airflow.defaults import as_of_param, common, nightly
from customer_behavior_airflow.report_link import training_task
from customer_behavior_airflow.run_context import current_run, warehouse
from customer_behavior_airflow.waiting import WaitUntilReady


@dag(
    **common(Dag.TRAIN_MODELS, tags=["models"], doc_md=__doc__),
    schedule=nightly(),
    params={
        "as_of_date": as_of_param(),
        "promote": Param(
            False,
            type="boolean",
            title="Promote",
            description_md="On: a model that passes the gate serves the dates after the as-of date; nothing is deleted, and "
            "`promote_model` takes it back. A scheduled run promotes in any case.",
        ),
    },
)
def train_models():
    ready = WaitUntilReady(task_id="wait_for_batches", check=checks.batches_loaded)

    @training_task(outlets=[PROMOTIONS], map_index_template="{{ key }}")
    def train(key: str) -> dict:
        from customer_behavior.settings import TargetKey
        from customer_behavior.stages.train_models import train_targets

        run = current_run()
        target, horizon = key.split("/")
        [summary] = train_targets(
            warehouse(),
            run.as_of,
            promote=run.scheduled or run.params["promote"],
            run_id=run.run_id,
            targets=[TargetKey(target=target, horizon_days=int(horizon))],
        )
        return summary

    ready >> train.expand(key=[f"{key.target}/{key.horizon_days}" for key in load_targets().target_keys()])


train_models()
