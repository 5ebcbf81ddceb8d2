"""Bring a warehouse to the newest schema."""

import sys

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from customer_behavior.paths import INCLUDE_DIR, MIGRATIONS_DIR
from customer_behavior.warehouse.connection import Warehouse
from customer_behavior.warehouse.writes import lock


def upgrade(url: str, revision: str = "head") -> str:
    """Migrate the warehouse at `url` up to `revision` in one transaction; return the revision it is at.

    Safe to run at once from several places (they wait for each other) and again (then nothing changes).
    """
    if str(INCLUDE_DIR) not in sys.path:  # the migrations import `migrations.columns`
        sys.path.insert(0, str(INCLUDE_DIR))
    with Warehouse(url).begin() as connection:
        lock(connection, "migrate")
        config = Config(str(MIGRATIONS_DIR / "alembic.ini"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        if revision == "head":
            _fill_rollup(connection)
        return connection.execute(sa.text("SELECT version_num FROM warehouse_version")).scalar_one()


def _fill_rollup(connection: sa.Connection) -> None:
    from customer_behavior.errors import ConfigurationError
    from customer_behavior.features import customer_day
    from customer_behavior.ingest import orders
    from customer_behavior.ingest.source import load_source
    from customer_behavior.settings import load_shop

    def reach(source: str) -> int:
        try:
            return orders.reach(load_source(source))
        except ConfigurationError:  # a source that was given up: what it delivered stays
            return 1

    customer_day.rebuild_if_empty(connection, load_shop().timezone, reach)
