"""Orders over batches: which ones a load touches, and which of the states that were delivered of an order stands when."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.ingest.source import Source
from customer_behavior.ingest.staging import TABLE_COLUMNS, Staging
from customer_behavior.warehouse import copy_arrow, run_sql


def find_contested(connection: Connection, staging: Staging, dates: list[date]) -> tuple[list[str], list[date]]:
    """Make the temporary table `contested` of a load's orders of which other batches or days tell too; note where its lines are.

    Returns
    -------
    tuple of list of str, list of date
        Their ids, and the days of their lines.
    """
    source = staging.source
    connection.execute(
        sa.text(
            "CREATE TEMPORARY TABLE incoming_orders (order_id text, customer_id text, event_day date, batch_date date)"
            " ON COMMIT DROP"
        )
    )
    reach = source.order_reach
    if reach is not None:
        names = ("order_id", "customer_id", "event_day", "batch_date")
        copy_arrow(connection, "incoming_orders", names, staging.order_days())
        connection.execute(sa.text("ANALYZE incoming_orders"))
    here = {"source": source.name, "dates": dates}
    run_sql(connection, "ingest/contested_orders", **here, whole=source.order_delivery == "whole", reach=reach or 0)
    run_sql(connection, "ingest/replace_order_days", **here)
    rows = connection.execute(sa.text("SELECT order_id, event_day FROM contested")).all()
    return sorted({row.order_id for row in rows}), sorted({row.event_day for row in rows})


def settle_states(connection: Connection, source: Source, days: list[date]) -> None:
    """Let each state of the contested orders stand until the next one, and the ledger follow; `days` are those of their lines.

    Of a source that states orders as a whole: a delivery equal to the one before it is a duplicate.
    """
    if source.order_delivery != "whole" or not days:
        return
    here = {"source": source.name, "days": days}
    run_sql(connection, "ingest/order_lines", **here)
    moved = run_sql(connection, "ingest/moved_order_lines").all()
    run_sql(connection, "ingest/take_order_lines", **here)
    names = ", ".join(name for name in TABLE_COLUMNS if name != "superseded_on")
    for table, condition, ends in (
        ("raw.events", "stands", "next_date"),
        ("raw.duplicate_events", "NOT stands", "CAST(NULL AS date)"),
    ):
        connection.execute(
            sa.text(
                f"INSERT INTO {table} ({names}, superseded_on) SELECT {names}, {ends} FROM order_lines WHERE {condition}"
            )
        )
    for row in moved:
        run_sql(connection, "ingest/move_in_ledger", source=source.name, batch_date=row.batch_date, events=row.events)
