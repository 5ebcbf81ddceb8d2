"""Snapshots: every known customer as of a date."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.errors import ConfigurationError
from customer_behavior.features import checkpoint
from customer_behavior.features.ledger import current_rows, replace_snapshot
from customer_behavior.features.windows import bands_sql, insert_sql
from customer_behavior.names import Role
from customer_behavior.readiness import require_ready
from customer_behavior.settings import Feature, Features, Settings, Shop
from customer_behavior.warehouse import Warehouse, ensure_partitions, lock, make_temporary, sql_text

TABLE = "features.customer_snapshot"


def build(
    warehouse: Warehouse,
    settings: Settings,
    as_of: date,
    *,
    role: Role = Role.SCORE,
    run_id: str | None = None,
    only_if_missing: bool = False,
) -> int:
    """Write features.customer_snapshot for `as_of`, in place of what it held; return its rows.

    Parameters
    ----------
    role : Role
        Role that writes: score, or train for training snapshots.
    only_if_missing : bool
        Keep a snapshot that is there, unless a batch of its past has been loaded since it was taken.

    Raises
    ------
    NotReadyError
        When the batch of the day before `as_of` is not in the ledger.
    ConfigurationError
        When the entries of features.yaml are not the columns of the table.
    """
    with warehouse.begin(role) as connection:
        require_ready(connection, settings.shop.sources, as_of)
    checkpoint.ensure(warehouse, settings.shop.sources, as_of, role=role, run_id=run_id)
    with warehouse.begin(role) as connection:
        lock(connection, f"snapshot {as_of}")
        if only_if_missing:
            present = current_rows(connection, TABLE, "as_of_date", as_of, as_of)
            if present is not None:
                return present
        features = _features(connection, settings.catalogue)
        ensure_partitions(connection, TABLE, as_of, as_of)
        return replace_snapshot(
            connection,
            TABLE,
            "as_of_date",
            as_of,
            as_of,
            lambda: _insert(connection, settings.shop, features, as_of),
            run_id=run_id,
        )


def _features(connection: Connection, catalogue: Features) -> dict[str, Feature]:
    """Return the catalogue's features; a ConfigurationError unless they are the columns of the table."""
    features = catalogue.columns
    columns = connection.execute(sa.text(f"SELECT * FROM {TABLE} WHERE false")).keys() - {"as_of_date", "customer_id"}
    if without_column := sorted(features.keys() - columns):
        raise ConfigurationError(
            f"features.yaml: {', '.join(without_column)} {'is no column' if len(without_column) == 1 else 'are no columns'} of"
            f" {TABLE}: add a migration, or take the entry out"
        )
    if without_entry := sorted(columns - features.keys()):
        raise ConfigurationError(
            f"features.yaml has no entry for {', '.join(without_entry)} of {TABLE}: put it back, with model: false if no model is"
            " to read it"
        )
    return features


def _insert(connection: Connection, shop: Shop, features: dict[str, Feature], as_of: date) -> int:
    # In one process: customers are too many for partial sums to be worth sending to another.
    connection.execute(sa.text("SET LOCAL work_mem = '128MB'; SET LOCAL max_parallel_workers_per_gather = 0"))
    checkpoint.make_lifetime(connection, checkpoint.usable(connection, as_of), before=as_of, known_until=as_of)
    make_temporary(connection, "bands", bands_sql(features.values()), as_of=as_of)
    make_temporary(connection, "purchases", sql_text("features/snapshot/purchases").text, as_of=as_of)
    connection.execute(sa.text("ANALYZE lifetime, bands, purchases"))
    rules = {
        "staff": list(shop.staff),
        "max_events": shop.bots.max_events_per_day,
        "max_orders": shop.bots.max_orders_per_day,
    }
    return connection.execute(sa.text(insert_sql(features)), {"as_of": as_of, **rules}).rowcount
