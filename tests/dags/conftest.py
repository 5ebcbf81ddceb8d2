"""An Airflow home of the tests' own, named before Airflow is imported."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.paths import REPO_DIR
from customer_behavior.warehouse import Warehouse
from support import small_shop
from support.airflow_process import AirflowProcess, airflow_process
from support.dag_shop import DagShop

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


@pytest.fixture(scope="session")
def airflow(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowProcess]:
    folder = tmp_path_factory.mktemp("rules")
    with airflow_process(postgres, folder, small_shop.configure(folder)) as process:
        yield process


@pytest.fixture
def open_shop(
    airflow: AirflowProcess, postgres: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], DagShop]]:
    """Open one more shop, with nothing in it; what a test calls without Airflow reads the last one's configuration."""
    names: list[str] = []

    def new() -> DagShop:
        names.append(f"shop_{uuid.uuid4().hex[:12]}")
        postgres.create_database(names[-1], template="migrated")
        folder = tmp_path / names[-1]
        folder.mkdir()
        shop = DagShop(airflow, Warehouse(postgres.url(names[-1])), folder)
        for name, value in shop.environment.items():
            monkeypatch.setenv(name, value)
        return shop

    yield new
    for name in names:
        postgres.drop_database(name)


@pytest.fixture
def shop(open_shop: Callable[[], DagShop]) -> DagShop:
    return open_shop()
