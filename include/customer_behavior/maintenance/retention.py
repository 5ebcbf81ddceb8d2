"""Retention: what is older than `retention.yaml` says goes, whole partitions where a table has them.

Kept whatever their age: snapshots that a promoted model was trained on, so that it can be reproduced and drift measured
against them, and snapshots whose scores have not been judged yet. The rollup features.customer_day is never thinned:
lifetime features come from it.
"""

import logging
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.settings import load_retention, load_targets
from customer_behavior.warehouse import Warehouse, audit, lock, run_sql

log = logging.getLogger(__name__)

JUDGING_DAYS = 7  # a snapshot outlives the longest horizon by this, for monitoring that runs late
MARKETING_PARTITIONED = ("customer_scores", "target_scores", "product_recommendations", "action_recommendations")


@dataclass(frozen=True)
class Partition:
    """A partition: `first` is its first day, `end` the day after its last."""

    name: str
    parent: str
    first: date
    end: date


def apply_retention(
    warehouse: Warehouse, today: date, dry_run: bool = True, *, run_id: str | None = None
) -> dict[str, Any]:
    """Drop what is too old at `today`, or say what would go; return it.

    Runs as the login, since dropping a partition needs the right of its owner.

    Returns
    -------
    dict
        today, dry_run, `partitions` (names) and `rows` ({table: rows} of tables without partitions).
    """
    kept = load_retention()
    events_before = (pd.Timestamp(today) - pd.DateOffset(months=kept.events_months)).date()
    checkpoints_before = (pd.Timestamp(today) - pd.DateOffset(months=kept.checkpoints_months)).date()
    marketing_before = today - timedelta(days=kept.marketing_days)
    scores_before = today - timedelta(days=kept.scores_days)
    with warehouse.begin() as connection:
        lock(connection, "maintenance")
        # Whoever reads waits a little, or this run fails and the next one does it: a night's work never waits long.
        connection.execute(sa.text("SET LOCAL lock_timeout = '60s'"))
        going = old_partitions(connection, "raw.events", events_before)
        going += old_snapshots(connection, today)
        going += old_partitions(connection, "features.session_snapshot", today - timedelta(days=kept.sessions_days))
        going += old_partitions(connection, "models.scores", scores_before)
        for name in MARKETING_PARTITIONED:
            going += old_partitions(connection, f"marketing.{name}", marketing_before)
        if not dry_run:
            for partition in going:
                connection.execute(sa.text(f"DROP TABLE {partition.name}"))
                audit(connection, partition.parent, f"dropped {partition.name}", 0, 0, run_id)
        rows = {}
        for table, column, before in (
            ("raw.duplicate_events", "event_day", events_before),
            ("raw.rejected_events", "batch_date", events_before),
            ("features.customer_checkpoint", "checkpoint_date", checkpoints_before),
            ("features.checkpoints", "checkpoint_date", checkpoints_before),
            ("marketing.insights", "as_of_date", marketing_before),
            ("marketing.status", "as_of_date", marketing_before),
            ("monitoring.write_audit", "written_at", today - timedelta(days=kept.write_audit_days)),
        ):
            rows[table] = _old_rows(connection, table, column, before, dry_run, run_id)
    names = [partition.name for partition in going]
    log.info("retention at %s%s: %d partitions, rows %s", today, " (dry run)" if dry_run else "", len(names), rows)
    return {"today": str(today), "dry_run": dry_run, "partitions": names, "rows": rows}


def old_partitions(connection: Connection, parent: str, before: date) -> list[Partition]:
    """Return the partitions whose days all lie before a date, the oldest first."""
    found = [Partition(**row) for row in run_sql(connection, "maintenance/partitions", parent=parent).mappings()]
    return [partition for partition in found if partition.end <= before]


def old_snapshots(connection: Connection, today: date) -> list[Partition]:
    """Return the daily snapshots that are too old and that neither a promoted model nor monitoring needs."""
    longest = max((key.horizon_days for key in load_targets().target_keys()), default=0)
    days = max(load_retention().snapshots_days, longest + JUDGING_DAYS)
    trained_on = set(run_sql(connection, "maintenance/training_dates").scalars())
    old = old_partitions(connection, "features.customer_snapshot", today - timedelta(days=days))
    return [partition for partition in old if partition.first not in trained_on]


def _old_rows(connection: Connection, table: str, column: str, before: date, dry_run: bool, run_id: str | None) -> int:
    where = sa.text(f"SELECT count(*) FROM {table} WHERE {column} < :before")
    if dry_run:
        return connection.execute(where, {"before": before}).scalar_one()
    deleted = connection.execute(sa.text(f"DELETE FROM {table} WHERE {column} < :before"), {"before": before}).rowcount
    if deleted:
        audit(connection, table, f"before {before}", deleted, 0, run_id)
    return deleted
