"""What tests share: one PostgreSQL for the session, and a migrated warehouse of its own for each test that asks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.stages.migrate_warehouse import upgrade
from customer_behavior.warehouse import Warehouse
from support.rollup_shop import small_config

TEMPLATE = "migrated"
# One iteration: tests open thousands of connections, and a password's hash is half the cost of each.
SETTINGS = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB", "scram_iterations": "1"}
TESTS = Path(__file__).parent
SLOW = {
    "bench/test_suite.py",
    "features/test_as_of.py",
    "features/test_oracle.py",
    "features/test_sessions.py",
    "fuzz/test_landings.py",
    "fuzz/test_tables.py",
    "ingest/test_bad_input.py",
    "ingest/test_bad_input_random.py",
    "insights/test_price_threshold.py",
    "insights/test_visits.py",
    "reporting/test_page.py",
    "simulator/test_delivery.py",
    "simulator/test_plants.py",
    "stages/test_train_models.py",
    "targets/test_sampling.py",
    "tracking/test_tracking.py",
    "training/test_conversion.py",
    "training/test_core.py",
    "training/test_new_target.py",
    "training/test_table.py",
    "training/test_tuning.py",
}
"""Files that take more than half a minute: whole trainings, simulated shops, hundreds of random cases."""


class FilesAndStacks(LoadFileScheduling):
    """Gives a process a file as a whole, and one process all that starts whole stacks: it waits more than it computes."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = nodeid.partition("::")[0]
        return "stacks" if file.startswith(("tests/stack/", "tests/local/")) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesAndStacks:
    """Distribute tests over processes by what they share."""
    return FilesAndStacks(config, log)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests of slow files, for `make test-fast`."""
    if str(item.path.relative_to(TESTS)) in SLOW:
        item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL 18 with a database, `migrated`, that warehouses are copied from."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), SETTINGS)
    server.start()
    server.create_database(TEMPLATE)
    upgrade(server.url(TEMPLATE))
    yield server
    server.destroy()


@pytest.fixture
def warehouse(postgres: EmbeddedPostgres) -> Iterator[Warehouse]:
    """An empty, migrated warehouse."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    postgres.create_database(name, template=TEMPLATE)
    yield Warehouse(postgres.url(name))
    postgres.drop_database(name)


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests read the repository's configuration and land nothing outside their own folder, whatever the shell has set."""
    for name in (
        "WAREHOUSE_URL",
        "CUSTOMER_BEHAVIOR_CONFIG",
        "CUSTOMER_BEHAVIOR_SOURCES",
        "MLFLOW_TRACKING_URI",
        "MLFLOW_BASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANDING_DIR", str(tmp_path / "landing"))


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped configuration, with one source and few, quick training steps."""
    small_config(tmp_path / "config")
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture
def blank_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings leave a report without charts, whose drawing takes longer than the training of a small shop."""
    monkeypatch.setattr("customer_behavior.reporting.training_report.render", lambda _: "<html>blank</html>")
