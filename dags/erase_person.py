"""
### erase_person

Removes a person from every table, and keeps salted hashes alone, so that no load brings them back. Has no schedule.

The id is not typed into the form, since Airflow keeps forms for good. Put it into the Variable `erase_person_secret`
(*Admin* → *Variables*), several ids of one person on a line each; upper and lower case and a source's namespace do not matter. Then
trigger this: first as it is, which says in the log how many rows of which table would go; then with *Dry run* off. When the person
is erased, the Variable is gone as well.

Example form: `{"dry_run": false}`. The logical date does not matter. What to do outside the warehouse: docs/runbook.md.
"""

from airflow.sdk import Param, dag, task

from customer_behavior.names import Dag
from customer_behavior_airflow.assets import ERASED
from customer_behavior_airflow.defaults import common, dry_run_param
from customer_behavior_airflow.run_context import warehouse

VARIABLE = "erase_person_secret"  # "secret" in its name: Airflow masks its value wherever it logs


@dag(
    **common(Dag.ERASE_PERSON, tags=["upkeep"], doc_md=__doc__),
    schedule=None,
    max_active_runs=1,
    params={
        "dry_run": dry_run_param(f"Who is erased stands in the Variable `{VARIABLE}`, not here."),
        "spelling": Param(
            "one person",
            type="string",
            enum=["one person", "exactly as typed", "every spelling"],
            title="If the id is there in several spellings",
            description_md="`one person`: stop and say so, since they may be several people. `exactly as typed`: that one alone. "
            "`every spelling`: all of them are this person.",
        ),
    },
)
def erase_person():
    @task(outlets=[ERASED])
    def erase(params: dict, run_id: str) -> dict:
        from airflow.sdk import Variable

        from customer_behavior.stages.erase_person import erase_customer

        done = erase_customer(
            warehouse(),
            Variable.get(VARIABLE, default=""),
            dry_run=params["dry_run"],
            spelling=params["spelling"],
            run_id=run_id,
        )
        if not params["dry_run"]:
            Variable.delete(VARIABLE)
        return done

    erase()


erase_person()
