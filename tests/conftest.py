"""What tests share: one PostgreSQL for the session, and a migrated warehouse of its own for each test that asks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.stages.migrate_warehouse import upgrade
from customer_behavior.warehouse import Warehouse
from support.rollup_shop import small_config

TEMPLATE = "migrated"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL 18 with a database, `migrated`, that warehouses are copied from."""
    server = EmbeddedPostgres(
        tmp_path_factory.mktemp("postgres"), {"fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB"}
    )
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
