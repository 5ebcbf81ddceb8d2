"""
### load_history

The same as `ingest_events`, for a range of days of one source at once: how a shop's past gets in. Days are loaded in chunks;
a range that failed half-way keeps the chunks before it and can be run again.

Example form: `{"source": "complete_journey", "from_date": "2017-01-01", "to_date": "2017-12-24"}` (both included).

One export of a whole history is cut by day first: `{"source": "webshop", "file": "history/orders.csv"}` writes its daily files below the
source's path and loads them; `from_date` and `to_date` may take some of its days.
"""

from airflow.sdk import Param, dag, task

from customer_behavior.names import Dag
from customer_behavior_airflow.assets import EVENTS
from customer_behavior_airflow.defaults import SHOP, common
from customer_behavior_airflow.landing import landing
from customer_behavior_airflow.run_context import warehouse


@dag(
    **common(Dag.LOAD_HISTORY, tags=["ingest"], doc_md=__doc__),
    schedule=None,
    params={
        "source": Param(
            SHOP.sources[0],
            type="string",
            enum=list(SHOP.sources),
            title="Source",
            description_md="One of the active sources of `shop.yaml`. Days that are loaded already are replaced by what their files "
            "hold now; a day whose files are gone is refused and keeps its rows.",
        ),
        "from_date": Param(
            None,
            type=["null", "string"],
            format="date",
            title="First batch date",
            description_md="The date in the name of the first file. The run's logical date does not matter.",
        ),
        "to_date": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Last batch date",
            description_md="The date in the name of the last file; it is loaded too.",
        ),
        "file": Param(
            None,
            type=["null", "string"],
            title="One file of a whole history",
            description_md="Below the landing folder, as history/orders.csv; cut into daily files first. The dates may stay empty then.",
        ),
    },
)
def load_history():
    @task(outlets=[EVENTS])
    def load_range(params: dict, run_id: str) -> dict:
        from customer_behavior.stages import load_history as stage

        return stage.load_history(
            warehouse(),
            params["source"],
            file=params["file"],
            first=params["from_date"],
            last=params["to_date"],
            landing=landing(),
            run_id=run_id,
        )

    load_range()


load_history()
