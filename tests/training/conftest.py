"""A warehouse per test, until tests/conftest.py has one."""

import os
import uuid

import pytest
import sqlalchemy as sa

from customer_behavior.warehouse import Warehouse
from customer_behavior.warehouse.migrate import upgrade
from training.shops import small_config

SERVER = os.environ.get("TEST_DATABASE_SERVER", "postgresql://platform@127.0.0.1:5555")


@pytest.fixture
def warehouse():
    name = f"test_{uuid.uuid4().hex[:12]}"
    server = sa.create_engine(
        f"{SERVER}/postgres".replace("postgresql:", "postgresql+psycopg2:"), isolation_level="AUTOCOMMIT"
    )
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
        upgrade(f"{SERVER}/{name}")
        yield Warehouse(f"{SERVER}/{name}")
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The shipped configuration, with one source and few, quick training steps."""
    small_config(tmp_path / "config")
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"
