"""Bring a warehouse to the newest schema."""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from customer_behavior.paths import MIGRATIONS_DIR
from customer_behavior.warehouse.connection import Warehouse
from customer_behavior.warehouse.revision import known_revisions, newer, revision_of
from customer_behavior.warehouse.writes import lock


def upgrade(url: str, revision: str = "head") -> str:
    """Migrate the warehouse at `url` up to `revision` in one transaction; return the revision it is at.

    Safe to run at once from several places (they wait for each other) and again (then nothing changes).

    Raises
    ------
    WarehouseNotReadyError
        When a newer version of the platform has migrated it.
    """
    warehouse = Warehouse(url)
    with warehouse.begin_unmigrated() as connection:
        lock(connection, "migrate")
        found = revision_of(connection)
        if found is not None and found not in known_revisions():
            raise newer(str(warehouse.url.database), found)
        config = Config(str(MIGRATIONS_DIR / "alembic.ini"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        if revision == "head":
            _fill_rollup(connection)
        return connection.execute(sa.text("SELECT version_num FROM warehouse_version")).scalar_one()


def _fill_rollup(connection: sa.Connection) -> None:
    from customer_behavior.errors import ConfigurationError
    from customer_behavior.ingest import customer_day
    from customer_behavior.ingest.source import load_source
    from customer_behavior.settings import load_shop

    def reach(source: str) -> int | None:
        try:
            return load_source(source).order_reach
        except ConfigurationError:  # a source that was given up: what it delivered stays
            return 1

    customer_day.rebuild_if_empty(connection, load_shop().timezone, reach)
