"""Runs DAGs with `dag.test()` one request at a time, in a process whose environment is Airflow's; see `airflow_process.py`.

A request is a line of JSON on standard input: [dag_id, logical date or null, form, environment of this run]. The answer is a
line "RESULT " and JSON: [state, {task: state}]; what comes before it is the log of the run.
"""

import json
import os
import sys
from datetime import datetime

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

from customer_behavior.paths import REPO_DIR


def main() -> None:
    folder = REPO_DIR / "dags"
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(DagBag(folder), "dags-folder", None)
    for request in sys.stdin:
        dag_id, logical_date, form, environment = json.loads(request)
        os.environ.update(environment)
        dag = DagBag(folder / f"{dag_id}.py").dags[dag_id]  # read anew: a DAG keeps the form of its last test run
        for task in dag.tasks:
            task.retries = 0  # a failure shows at once; that tasks try again is the policy's test
        logical = datetime.fromisoformat(logical_date) if logical_date else None
        run = dag.test(logical_date=logical, run_conf=form)
        tasks = {f"{ti.task_id}[{ti.map_index}]": str(ti.state) for ti in run.get_task_instances()}
        sys.stdout.write("\nRESULT " + json.dumps([str(run.state), tasks]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
