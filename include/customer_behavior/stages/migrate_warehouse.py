"""Bring a warehouse to the newest schema, and make anew what a migration has emptied: `make up`, `make run`, `migrate`."""

import sqlalchemy as sa

from customer_behavior.errors import ConfigurationError
from customer_behavior.ingest import customer_day
from customer_behavior.ingest.source import load_source
from customer_behavior.settings import load_shop
from customer_behavior.warehouse import migrate


def upgrade(url: str, revision: str = "head") -> str:
    """Migrate the warehouse at `url` to `revision`; at the newest, make the rollup from raw.events if it is empty. Return the revision.

    Raises
    ------
    WarehouseNotReadyError
        When a newer version of the platform has migrated it.
    """
    return migrate.upgrade(url, revision, afterwards=_fill_rollup)


def _fill_rollup(connection: sa.Connection) -> None:
    customer_day.rebuild_if_empty(connection, load_shop().timezone, _order_reach)


def _order_reach(source: str) -> int | None:
    try:
        return load_source(source).order_reach
    except ConfigurationError:  # a source that was given up: what it delivered stays
        return 1
