"""
### promote_model

A person decides which model serves: rolls a target back to an earlier model, or approves one that waits. Has no schedule.

Trigger it with the target. The run lists the newest models of the target, each with its training date, its quality and whether it
serves, and waits: *Required Actions* of the run shows them as choices. The one chosen becomes a new row of `models.promotions` and
serves the dates after *Serves after*; nothing is deleted, and dates scored so far keep their scores. Choosing *leave it as it is*,
or nobody answering within a day, changes nothing.

Example form: `{"target": "purchase/7d", "reason": "fewer purchases than promised"}`. The logical date does not matter.
"""

from airflow.sdk import Param, dag, task

from customer_behavior.names import Dag
from customer_behavior.settings import load_targets
from customer_behavior_airflow.assets import PROMOTIONS
from customer_behavior_airflow.choosing import ChooseModel
from customer_behavior_airflow.defaults import common
from customer_behavior_airflow.run_context import warehouse

TARGETS = {f"{key.target}/{key.horizon_days}d": key for key in load_targets().target_keys()}


@dag(
    **common(Dag.PROMOTE_MODEL, tags=["models"], doc_md=__doc__),
    schedule=None,
    max_active_runs=1,
    params={
        "target": Param(
            next(iter(TARGETS)),
            type="string",
            enum=list(TARGETS),
            title="Target",
            description_md="What the model predicts, and how many days ahead.",
        ),
        "serves_after": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Serves after",
            description_md="The model serves the as-of dates after this one. Empty: after the newest date that the data knows. With "
            "the `effective_as_of` of a bad promotion the chosen model takes exactly its place.",
        ),
        "reason": Param(
            "",
            type="string",
            title="Reason",
            description_md="Kept beside the promotion, for those who ask later. May be empty.",
        ),
    },
)
def promote_model():
    @task
    def list_models(params: dict) -> dict:
        from customer_behavior.stages import promote_model as stage

        return stage.list_models(warehouse(), TARGETS[params["target"]], params["serves_after"])

    @task(outlets=[PROMOTIONS])
    def promote(listed: dict, answer: dict, params: dict, run_id: str) -> dict:
        from customer_behavior.stages import promote_model as stage

        return stage.promote(
            warehouse(),
            TARGETS[params["target"]],
            answer["chosen_options"][0],
            listed["serves_after"],
            reason=params["reason"],
            actor=(answer["responded_by_user"] or {}).get("name", "nobody answered"),
            run_id=run_id,
        )

    listed = list_models()
    answer = ChooseModel(task_id="choose", listed=listed)
    promote(listed, answer.output)


promote_model()
