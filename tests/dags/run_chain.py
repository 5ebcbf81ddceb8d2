"""Runs DAGs with `dag.test()` in a process whose environment is Airflow's, and prints what became of each.

Standard input: JSON, a list of [dag_id, logical date or null, form].
"""

import json
import sys
from datetime import datetime

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

from customer_behavior.paths import REPO_DIR


def main() -> None:
    steps = json.loads(sys.stdin.read())
    DagBundlesManager().sync_bundles_to_db()
    folder = REPO_DIR / "dags"
    bag = DagBag(folder)
    sync_bag_to_db(bag, "dags-folder", None)
    results = []
    for dag_id, logical_date, form in steps:
        dag = DagBag(folder / f"{dag_id}.py").dags[dag_id]  # read anew: a DAG keeps the form of its last test run
        for task in dag.tasks:
            task.retries = 0  # a failure shows at once; that tasks try again is the policy's test
        logical = datetime.fromisoformat(logical_date) if logical_date else None
        run = dag.test(logical_date=logical, run_conf=form)
        tasks = {f"{ti.task_id}[{ti.map_index}]": str(ti.state) for ti in run.get_task_instances()}
        results.append([dag_id, str(run.state), tasks])
    print("RESULTS " + json.dumps(results))


if __name__ == "__main__":
    main()
