"""What tests share: one PostgreSQL for the session, and a migrated warehouse of its own for each test that asks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.stages.migrate_warehouse import upgrade
from customer_behavior.warehouse import Warehouse
from support.distribution import SECONDS, LongestFirst, file_of, scope_of
from support.rollup_shop import small_config

TEMPLATE = "migrated"
# One iteration: tests open thousands of connections, and a password's hash is half the cost of each.
SETTINGS = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB", "scram_iterations": "1"}
SLOW = 20
"""Seconds that a file may take in `make test-fast`."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LongestFirst:
    """Distribute tests over processes by what they share."""
    return LongestFirst(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first, and mark the slow ones for `make test-fast`."""
    items.sort(key=lambda item: -SECONDS.get(scope_of(item.nodeid), 0))
    for item in items:
        if SECONDS.get(file_of(item.nodeid), 0) > SLOW:
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


Copy = Callable[[str], AbstractContextManager[Warehouse]]


@pytest.fixture(scope="session")
def copy_of(postgres: EmbeddedPostgres) -> Copy:
    """Make a warehouse of a test's own as a copy of a database, and drop it at the end."""

    @contextmanager
    def copied(template: str) -> Iterator[Warehouse]:
        name = f"test_{uuid.uuid4().hex[:12]}"
        postgres.create_database(name, template=template)
        try:
            yield Warehouse(postgres.url(name))
        finally:
            postgres.drop_database(name)

    return copied


@pytest.fixture
def warehouse(copy_of: Copy) -> Iterator[Warehouse]:
    """An empty, migrated warehouse."""
    with copy_of(TEMPLATE) as warehouse:
        yield warehouse


@pytest.fixture(scope="module")
def keep_as(copy_of: Copy) -> Iterator[Callable[[Warehouse], str]]:
    """Keep a warehouse as it is, for other tests of the module to have copies of: return the name for `copy_of`."""
    with ExitStack() as kept:

        def keep(warehouse: Warehouse) -> str:
            warehouse.close()  # a database that anybody is connected to cannot be copied
            copy = kept.enter_context(copy_of(str(warehouse.url.database)))
            return str(copy.url.database)

        yield keep


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
