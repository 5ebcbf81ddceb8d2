"""Runs the DAGs of Airflow's folder once each with `dag.test()`, and prints the run ids; see `test_report_page.py`."""

import json
import os
import sys

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db


def main() -> None:
    DagBundlesManager().sync_bundles_to_db()
    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    sync_bag_to_db(bag, "dags-folder", None)
    runs = {dag_id: dag.test().run_id for dag_id, dag in bag.dags.items()}
    sys.stdout.write("\nRUNS " + json.dumps(runs) + "\n")


if __name__ == "__main__":
    main()
