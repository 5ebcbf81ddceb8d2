"""A warehouse with chosen visits of one day, and what its session snapshot says of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pandas as pd
import sqlalchemy as sa

from customer_behavior.warehouse import copy_frame, ensure_partitions
from support.rollup import roll_up
from support.visits import ZONE, event, identity

DAY = date(2024, 3, 5)
NEXT = DAY + timedelta(days=1)


def load(warehouse, events: list[dict], day: date) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.text("TRUNCATE raw.events, features.customer_day, raw.ingest_batches"))
        for event_day in {one["event_day"] for one in events}:
            ensure_partitions(connection, "raw.events", event_day, event_day)
        if events:
            copy_frame(connection, "raw.events", pd.DataFrame(events, dtype=object))
    ledger(warehouse, day)
    for source in {one["source"] for one in events}:
        with warehouse.begin("ingest") as connection:
            roll_up(connection, source, str(ZONE))


def ledger(warehouse, day: date) -> None:
    insert = (
        "INSERT INTO raw.ingest_batches (source, batch_date, status, files, rows_read, rows_accepted, rows_rejected,"
        " rows_duplicate, event_days) VALUES ('till', :day, 'loaded', '{}', 0, 0, 0, 0, '{}')"
    )
    with warehouse.begin() as connection:
        connection.execute(sa.text(insert), {"day": day})


def taken(warehouse, day: date) -> list[dict]:
    query = sa.text("SELECT * FROM features.session_snapshot WHERE session_day = :day")
    with warehouse.begin("score") as connection:
        return sorted((dict(row) for row in connection.execute(query, {"day": day}).mappings()), key=identity)


def at(clock: str, day: date = DAY) -> datetime:
    """A shop-local time of a day; a fold is written `01:30*`."""
    hour, minute, *second = clock.rstrip("*").split(":")
    seconds = int(second[0]) if second else 0
    stamp = datetime(day.year, day.month, day.day, int(hour), int(minute), seconds, tzinfo=ZONE)
    return stamp.replace(fold=int(clock.endswith("*")))


def visit(*clocks: str, day: date = DAY, **given) -> list[dict]:
    """Views at some times, of one session s unless said otherwise."""
    start = int(at(clocks[0], day).timestamp()) % 90_000
    return [event(start + n, at(clock, day), **{"session_id": "s", **given}) for n, clock in enumerate(clocks)]


def rounded(row: dict) -> dict:
    return {
        name: value if value is None or isinstance(value, (str, date)) else round(float(value), 9)
        for name, value in row.items()
    }


def keys(rows: list[dict]) -> list[tuple]:
    return [(row["session_key"], row["after_events"]) for row in rows]
