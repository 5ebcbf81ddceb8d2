"""
### monitor_models

Measures the drift of the features (Evidently, a row a feature in `monitoring.drift_features`), judges the scores whose outcome
is known by now (`monitoring.model_performance`) and looks for the segments the model got wrong (`monitoring.error_clusters`).
What is over a limit of `include/config/monitoring.yaml` becomes an incident: one row in `monitoring.alerts`, one mail, a request
to retrain.

A backfill or a run by hand records what it finds, and neither mails nor asks for retraining, unless its form says so. Builds on
the day before: run out of order it fails, naming the first missing date.

Example form: `{"as_of_date": "2018-01-01", "mail": true}`.
"""

from airflow.sdk import Param, dag, task

from customer_behavior.names import Dag
from customer_behavior_airflow import checks
from customer_behavior_airflow.assets import MODEL_PERFORMANCE
from customer_behavior_airflow.defaults import as_of_param, common, nightly
from customer_behavior_airflow.run_context import current_run, warehouse
from customer_behavior_airflow.waiting import WaitUntilReady


@dag(
    **common(Dag.MONITOR_MODELS, tags=["monitoring"], doc_md=__doc__),
    schedule=nightly(),
    params={
        "as_of_date": as_of_param(),
        "mail": Param(
            False,
            type="boolean",
            title="Mail",
            description_md="On: mail what is found to `alert_to` of `shop.yaml`, and ask for retraining, whatever the date. A scheduled "
            "run does so in any case.",
        ),
    },
)
def monitor_models():
    ready = WaitUntilReady(task_id="wait_for_scores", check=checks.monitorable)

    @task
    def measure_drift() -> dict:
        from customer_behavior.stages import monitor_models as stage

        run = current_run()
        return stage.measure_drift(warehouse(), run.as_of, run_id=run.run_id)

    @task(outlets=[MODEL_PERFORMANCE])
    def judge_matured_scores() -> dict:
        from customer_behavior.stages import monitor_models as stage

        run = current_run()
        return stage.judge_matured(warehouse(), run.as_of, run_id=run.run_id)

    @task
    def raise_incidents() -> dict:
        from customer_behavior.stages import monitor_models as stage
        from customer_behavior_airflow.mail import send

        run = current_run()
        quiet = not (run.scheduled or run.params["mail"])
        alerts = stage.raise_incidents(warehouse(), run.as_of, quiet=quiet, run_id=run.run_id)
        mail = None if quiet else stage.pending_mail(warehouse(), run.as_of)
        if mail is not None:
            send(mail["to"], mail["subject"], mail["html"])
            stage.mark_mailed(warehouse(), run.as_of, mail["alert_ids"], run_id=run.run_id)
        return {"incidents": len(alerts), "mailed": mail is not None}

    ready >> [measure_drift(), judge_matured_scores()] >> raise_incidents()


monitor_models()
