"""The rollup of events that a test wrote into raw.events itself."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.ingest import customer_day


def roll_up(connection: Connection, source: str, timezone: str) -> None:
    """Make features.customer_day of all events of a source, no order of which has lines on several days."""
    customer_day.begin(connection)
    connection.execute(
        sa.text(
            "INSERT INTO touched SELECT DISTINCT customer_id, event_day FROM raw.events"
            " WHERE source = :source AND customer_id IS NOT NULL"
        ),
        {"source": source},
    )
    customer_day.rebuild_touched(connection, source, timezone, reach=None)
