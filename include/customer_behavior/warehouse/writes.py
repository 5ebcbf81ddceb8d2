"""Writing: partitions, locks, and the audit row that every replaced slice leaves."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection


def ensure_partitions(connection: Connection, table: str, first: date, last: date, unit: str = "day") -> None:
    """Make the partitions of `table` for the days `first` to `last`, both included; `unit` is "day" or "month"."""
    connection.execute(
        sa.text("SELECT raw.ensure_partitions(cast(:parent AS regclass), :first, :last, :unit)"),
        {"parent": table, "first": first, "last": last, "unit": unit},
    )


def lock(connection: Connection, name: str) -> None:
    """Wait for the platform-wide lock `name` and hold it until the transaction ends: a backfill ignores a DAG's own limits."""
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def audit(connection: Connection, table: str, piece: str, deleted: int, written: int, run_id: str | None) -> None:
    """Leave a row in monitoring.write_audit: `piece` names the slice replaced, for example `2017-12-25 purchase/7`."""
    connection.execute(
        sa.text(
            "INSERT INTO monitoring.write_audit (table_name, slice, rows_deleted, rows_written, run_id)"
            " VALUES (:table, :piece, :deleted, :written, :run_id)"
        ),
        {"table": table, "piece": piece, "deleted": deleted, "written": written, "run_id": run_id},
    )
