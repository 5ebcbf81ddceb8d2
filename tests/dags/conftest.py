"""An Airflow home of the tests' own, named before Airflow is imported."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from customer_behavior.paths import REPO_DIR

AIRFLOW_HOME = tempfile.mkdtemp(prefix="airflow-home-")
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)
os.environ["AIRFLOW_HOME"] = AIRFLOW_HOME
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(REPO_DIR / "dags")
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(REPO_DIR / "plugins")

DAG_FILES = sorted((REPO_DIR / "dags").glob("*.py"))


@pytest.fixture(scope="session")
def dags() -> dict:
    """The DAGs as Airflow reads them; an import error fails whoever asks."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(REPO_DIR / "dags")
    assert bag.import_errors == {}
    return dict(bag.dags)


@pytest.fixture(scope="session", params=[path.stem for path in DAG_FILES])
def dag(request: pytest.FixtureRequest, dags: dict):
    """Each DAG in turn; its file bears its name."""
    assert request.param in dags, f"dags/{request.param}.py has no DAG of its name"
    return dags[request.param]


@pytest.fixture(scope="session", params=DAG_FILES, ids=lambda path: path.stem)
def dag_file(request: pytest.FixtureRequest) -> Path:
    """Each DAG file in turn."""
    return request.param
