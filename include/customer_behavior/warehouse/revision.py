"""Which revision of the schema a warehouse is at, and which one this code was written for."""

from __future__ import annotations

import sys
from functools import cache

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.errors import WarehouseNotReadyError
from customer_behavior.paths import INCLUDE_DIR, MIGRATIONS_DIR
from customer_behavior.warehouse.faults import MIGRATE


@cache
def known_revisions() -> tuple[str, ...]:
    """Return the revisions of the schema, the newest first: the one that this code reads and writes."""
    from alembic.script import ScriptDirectory  # a quarter of a second, for who opens a warehouse only

    if str(INCLUDE_DIR) not in sys.path:  # the migrations import `migrations.columns`
        sys.path.insert(0, str(INCLUDE_DIR))
    return tuple(script.revision for script in ScriptDirectory(str(MIGRATIONS_DIR)).walk_revisions())


def require_revision(connection: Connection) -> None:
    """Raise WarehouseNotReadyError, saying what to do, unless the warehouse is at the revision of this code."""
    found, newest = revision_of(connection), known_revisions()[0]
    if found == newest:
        return
    database = connection.engine.url.database
    if found is None:
        raise WarehouseNotReadyError(f"database {database} is not migrated, it has no table of the platform: {MIGRATE}")
    if found in known_revisions():
        raise WarehouseNotReadyError(
            f"database {database} is at revision {found} of the schema, and this code needs {newest}: {MIGRATE}"
        )
    raise newer(str(database), found)


def newer(database: str, found: str) -> WarehouseNotReadyError:
    """Return the error about a warehouse that a newer version of the platform has migrated."""
    return WarehouseNotReadyError(
        f"database {database} is at revision {found} of the schema, which this code does not know, its own is "
        f"{known_revisions()[0]}: a newer version of the platform migrated it; run that version"
    )


def revision_of(connection: Connection) -> str | None:
    """Return the warehouse's revision; None: it has none of the platform's tables."""
    if connection.execute(sa.text("SELECT to_regclass('warehouse_version')")).scalar_one() is None:
        return None
    return connection.execute(sa.text("SELECT version_num FROM warehouse_version")).scalar()
