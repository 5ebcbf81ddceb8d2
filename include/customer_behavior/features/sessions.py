"""Session snapshots: sessions after some of their first events, for whether they end in a purchase.

`sql/features/session_events.sql` says which events are a session, and in which order; `session_features.sql` what is known of it
at a moment (one definition, for a day at once or a live session); `session_history.sql` what was known of its customer before.
"""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.asof import ONE_DAY
from customer_behavior.features.ledger import current_rows, replace_snapshot
from customer_behavior.names import Role
from customer_behavior.readiness import require_ready
from customer_behavior.settings import Settings
from customer_behavior.warehouse import (
    Warehouse,
    ensure_partitions,
    lock,
    make_temporary,
    run_sql,
    sql_text,
)

TABLE = "features.session_snapshot"


def build(
    warehouse: Warehouse,
    settings: Settings,
    day: date,
    *,
    role: Role = Role.SCORE,
    run_id: str | None = None,
    only_if_missing: bool = False,
) -> int:
    """Write the sessions that began on `day` into features.session_snapshot, in place of what it held; return its rows.

    A day is built as of the day after it: from the batches up to `day`. What a later batch brings is not in it, so a session that
    goes on after midnight is known as far as those batches tell (`end_open`). A shop whose sources show no visits has no rows.

    Parameters
    ----------
    role : Role
        Role that writes: score, or train for training sets.
    only_if_missing : bool
        Keep a day that has been built, with or without rows, unless a batch up to `day` has been loaded since it was.

    Raises
    ------
    NotReadyError
        When the batch of `day` is not in the ledger.
    """
    with warehouse.begin(role) as connection:
        require_ready(connection, settings.shop.sources, day + ONE_DAY)
        lock(connection, f"session snapshot {day}")
        if only_if_missing:
            present = current_rows(connection, TABLE, "session_day", day, day + ONE_DAY)
            if present is not None:
                return present
        return replace_snapshot(
            connection,
            TABLE,
            "session_day",
            day,
            day + ONE_DAY,
            lambda: _insert(connection, settings, day),
            run_id=run_id,
        )


def _insert(connection: Connection, settings: Settings, day: date) -> int:
    sources = list(run_sql(connection, "features/session_sources", day=day).scalars())
    if not sources:
        return 0
    sessions, shop = settings.targets.sessions, settings.shop
    of_day = {"day": day, "silence_minutes": sessions.silence_minutes, "timezone": shop.timezone}
    connection.execute(sa.text("SET LOCAL work_mem = '128MB'"))
    run_sql(connection, "features/session_events", sources=sources, **of_day)
    moments = list(sessions.after_events)
    make_temporary(connection, "session_moments", "SELECT unnest(:after) AS after_events", after=moments)
    make_temporary(connection, "session_features", sql_text("features/session_features").text)
    limits = {"max_events": shop.bots.max_events_per_day, "max_orders": shop.bots.max_orders_per_day}
    run_sql(connection, "features/session_history", day=day, **limits)
    ensure_partitions(connection, TABLE, day, day)
    return run_sql(connection, "features/insert_session_snapshot", **of_day, staff=list(shop.staff)).rowcount
