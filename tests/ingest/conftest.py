"""The till of a small shop, and loading its days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from customer_behavior.stages.ingest_events import ingest
from customer_behavior.warehouse import Warehouse
from support import small_shop


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The landing folder of the configured till."""
    for name, value in small_shop.configure(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path / "landing"


@pytest.fixture
def load(warehouse: Warehouse, landing: Path) -> Callable[..., dict]:
    """Load the days first to last (or first alone) of the till."""

    def load_days(first: date, last: date | None = None) -> dict:
        return ingest(warehouse, small_shop.SOURCE, first, last or first, landing=landing, run_id="test")

    return load_days


@pytest.fixture
def query(warehouse: Warehouse) -> Callable[..., list[tuple]]:
    """Return the rows of a statement."""

    def run(statement: str) -> list[tuple]:
        with warehouse.begin() as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement))]

    return run
