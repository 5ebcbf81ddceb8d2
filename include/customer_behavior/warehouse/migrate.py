"""Bring a warehouse to the newest schema."""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from customer_behavior.paths import MIGRATIONS_DIR
from customer_behavior.warehouse.connection import Warehouse
from customer_behavior.warehouse.revision import known_revisions, newer, revision_of
from customer_behavior.warehouse.writes import lock


def upgrade(url: str, revision: str = "head", afterwards: Callable[[sa.Connection], object] | None = None) -> str:
    """Migrate the warehouse at `url` up to `revision` in one transaction; return the revision it is at.

    `afterwards` is called within it when the schema is the newest.

    Safe to run at once from several places (they wait for each other) and again (then nothing changes).

    Raises
    ------
    WarehouseNotReadyError
        When a newer version of the platform has migrated it.
    """
    warehouse = Warehouse(url)
    try:
        with warehouse.begin_unmigrated() as connection:
            lock(connection, "migrate")
            found = revision_of(connection)
            if found is not None and found not in known_revisions():
                raise newer(str(warehouse.url.database), found)
            config = Config(str(MIGRATIONS_DIR / "alembic.ini"))
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            if revision == "head" and afterwards is not None:
                afterwards(connection)
            return connection.execute(sa.text("SELECT version_num FROM warehouse_version")).scalar_one()
    finally:
        warehouse.close()
