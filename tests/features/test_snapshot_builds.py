"""A load that began before a snapshot and committed while it was made: the snapshot is not taken for a current one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, timedelta
from types import ModuleType

import pytest
import sqlalchemy as sa

from customer_behavior.features import sessions, snapshot
from customer_behavior.names import Role
from customer_behavior.settings import load_settings
from customer_behavior.stages.ingest_events import ingest
from customer_behavior.warehouse import Warehouse
from support import small_shop
from support.small_shop import line

DAY = date(2024, 3, 10)
NEXT = DAY + timedelta(days=1)
RELOAD = "UPDATE raw.ingest_batches SET loaded_at = now() WHERE batch_date = :day"


@pytest.fixture
def shop(warehouse: Warehouse, tmp_path, monkeypatch) -> Warehouse:
    for name, value in small_shop.configure(tmp_path, {"on_missing": "empty"}).items():
        monkeypatch.setenv(name, value)
    small_shop.land(tmp_path / "landing", DAY, [line(f"{DAY}T10:00:00")])
    ingest(warehouse, small_shop.SOURCE, DAY, DAY)
    return warehouse


@pytest.mark.parametrize(("module", "asked"), [(snapshot, NEXT), (sessions, DAY)], ids=["customers", "sessions"])
def test_a_load_that_commits_while_a_snapshot_is_made_leaves_it_stale(shop, monkeypatch, module, asked):
    def writes() -> int:
        with shop.begin() as connection:
            count = "SELECT count(*) FROM monitoring.write_audit WHERE table_name = :table"
            return connection.execute(sa.text(count), {"table": module.TABLE}).scalar_one()

    def kept() -> int:
        return module.build(shop, load_settings(), asked, role=Role.TRAIN, only_if_missing=True)

    another = Warehouse(shop.url.render_as_string(hide_password=False))
    with ExitStack() as loading:
        connection = loading.enter_context(another.begin())
        connection.execute(sa.text(RELOAD), {"day": DAY})  # begins, and is stamped, before the snapshot
        with monkeypatch.context() as patched:
            patched.setattr(module, "_insert", _committing(module, loading.close))
            kept()
    another.close()
    assert writes() == 1
    kept()
    assert writes() == 2
    kept()
    assert writes() == 2


def _committing(module: ModuleType, commit: Callable[[], None]) -> Callable[..., int]:
    """Make the module's rows, and commit the load when they have been read."""
    insert = module._insert

    def write(*given: object) -> int:
        rows: int = insert(*given)
        commit()
        return rows

    return write
