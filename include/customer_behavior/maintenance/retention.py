"""Retention: what is older than `retention.yaml` says goes, whole partitions where a table has them.

Ages count from the newest date that the data knows, never from the clock: a warehouse that rested for two years has lost nothing by
it. Kept whatever their age: the newest slice of each table; the newest ready morning of marketing with its scores and snapshot;
snapshots that a promoted model was trained on, so that it can be reproduced and drift measured against them; and snapshots whose
scores have not been judged yet. The rollup features.customer_day is never thinned: lifetime features come from it.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.errors import CheckFailedError, ConfigurationError
from customer_behavior.ingest.source import lateness_days
from customer_behavior.settings import Settings
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
    bytes: int


@dataclass
class Going:
    """What of a table is older than its limit: `partitions`, or `rows` with `column` before a date; `share` of the table, 0 to 1."""

    table: str
    before: date
    share: float = 0.0
    partitions: list[Partition] = field(default_factory=list)
    rows: int = 0
    column: str = ""

    def __str__(self) -> str:
        what = f"{len(self.partitions)} partitions" if not self.column else f"{self.rows:,} rows"
        return f"{self.share:.0%} of {self.table} ({what} before {self.before})"


def apply_retention(
    warehouse: Warehouse,
    settings: Settings,
    dry_run: bool,
    *,
    largest_share: float | None = None,
    run_id: str | None = None,
) -> dict[str, Any]:
    """Drop what is too old at the newest date that the data knows, or say what would go; return it.

    Runs as the login, since dropping a partition needs the right of its owner.

    Parameters
    ----------
    largest_share : float or None
        Share of a table, 0 to 1, that this run may remove; None: as retention.yaml says.

    Returns
    -------
    dict
        newest (the date counted from; None: nothing is loaded), dry_run, `partitions` (names) and `rows` ({table: rows} of tables
        without partitions).

    Raises
    ------
    ConfigurationError
        When it is asked to remove and retention.yaml does not allow it.
    CheckFailedError
        When it would remove more of a table than `largest_share`; nothing is removed then.
    """
    kept = settings.retention
    if not dry_run and not kept.apply:
        raise ConfigurationError(
            "include/config/retention.yaml says apply: false, so nothing was removed: look at what a dry run would remove, and set "
            "apply: true"
        )
    with warehouse.begin() as connection:
        lock(connection, "maintenance")
        # Whoever reads waits a little, or this run fails and the next one does it: a night's work never waits long.
        connection.execute(sa.text("SET LOCAL lock_timeout = '60s'"))
        dates = run_sql(connection, "maintenance/newest_dates").one()
        if dates.known is None:
            log.info("nothing is loaded, so nothing is too old")
            return {"newest": None, "dry_run": dry_run, "partitions": [], "rows": {}}
        going = find_old(connection, settings, dates.known, dates.ready)
        _check_shares(going, dates.known, kept.largest_share if largest_share is None else largest_share, dry_run)
        if not dry_run:
            for old in going:
                _remove(connection, old, dates.ready, run_id)
    for old in going:
        if old.share:
            log.info("%s: %s", "would go" if dry_run else "gone", old)
    names = [partition.name for old in going for partition in old.partitions]
    rows = {old.table: old.rows for old in going if old.column}
    log.info(
        "retention at %s%s: %d partitions, rows %s", dates.known, " (dry run)" if dry_run else "", len(names), rows
    )
    return {"newest": str(dates.known), "dry_run": dry_run, "partitions": names, "rows": rows}


def find_old(connection: Connection, settings: Settings, newest: date, ready: date | None) -> list[Going]:
    """Return what of each table is older than its limit at the date `newest`; `ready`: the morning of marketing that stays."""
    kept = settings.retention
    events_before = (pd.Timestamp(newest) - pd.DateOffset(months=kept.events_months)).date()
    checkpoints_before = (pd.Timestamp(newest) - pd.DateOffset(months=kept.checkpoints_months)).date()
    marketing_before = newest - timedelta(days=kept.marketing_days)
    longest = max((key.horizon_days for key in settings.targets.target_keys()), default=0)
    longest += lateness_days(settings.shop.sources)
    snapshots_before = newest - timedelta(days=max(kept.snapshots_days, longest + JUDGING_DAYS))
    trained_on = run_sql(connection, "maintenance/training_dates").scalars().all()
    stays = [ready] if ready else []
    going = [
        _old_partitions(connection, "raw.events", events_before),
        _old_partitions(connection, "features.customer_snapshot", snapshots_before, [*stays, *trained_on]),
        _old_partitions(connection, "features.session_snapshot", newest - timedelta(days=kept.sessions_days)),
        _old_partitions(connection, "models.scores", newest - timedelta(days=kept.scores_days), stays),
        *(_old_partitions(connection, f"marketing.{name}", marketing_before, stays) for name in MARKETING_PARTITIONED),
    ]
    for table, column, before in (
        ("raw.duplicate_events", "event_day", events_before),
        ("raw.rejected_events", "batch_date", events_before),
        ("features.customer_checkpoint", "checkpoint_date", checkpoints_before),
        ("features.checkpoints", "checkpoint_date", checkpoints_before),
        ("features.snapshot_builds", "day", events_before),
        ("marketing.insights", "as_of_date", marketing_before),
        ("marketing.status", "as_of_date", marketing_before),
        ("monitoring.write_audit", "written_at", newest - timedelta(days=kept.write_audit_days)),
    ):
        going.append(_old_rows(connection, table, column, before, ready))
    return going


def _old_partitions(connection: Connection, parent: str, before: date, stays: Sequence[date] = ()) -> Going:
    found = [Partition(**row) for row in run_sql(connection, "maintenance/partitions", parent=parent).mappings()]
    old = [
        partition
        for partition in found[:-1]  # the newest stays, whatever its age
        if partition.end <= before and not any(partition.first <= day < partition.end for day in stays)
    ]
    total = sum(partition.bytes for partition in found)
    share = sum(partition.bytes for partition in old) / total if total else 0.0
    return Going(parent, before, share, partitions=old)


def _old_rows(connection: Connection, table: str, column: str, before: date, ready: date | None) -> Going:
    counted = f"SELECT count(*) FILTER (WHERE {_is_old(table, column)}) AS old, count(*) AS all FROM {table}"
    row = connection.execute(sa.text(counted), {"before": before, "ready": ready}).one()
    return Going(table, before, row.old / row.all if row.all else 0.0, rows=row.old, column=column)


def _is_old(table: str, column: str) -> str:
    newest = f"(SELECT max({column}) FROM {table})"
    return f"({column} < :before AND {column} IS DISTINCT FROM cast(:ready AS date) AND {column} < {newest})"


def _check_shares(going: list[Going], newest: date, largest: float, dry_run: bool) -> None:
    over = [old for old in going if old.share > largest]
    if not over:
        return
    words = (
        f"retention at {newest} would remove {', '.join(map(str, over))}: more than the {largest:.0%} of a table that a run may "
        "remove. Is that the newest date of the shop's data, and are the ages in include/config/retention.yaml meant? If so, "
        "allow this run more by largest_share in the form of maintain_warehouse, or lastly in retention.yaml"
    )
    if not dry_run:
        raise CheckFailedError(f"{words}; nothing was removed")
    log.warning("%s", words)


def _remove(connection: Connection, old: Going, ready: date | None, run_id: str | None) -> None:
    for partition in old.partitions:
        connection.execute(sa.text(f"DROP TABLE {partition.name}"))
        audit(connection, old.table, f"dropped {partition.name}", 0, 0, run_id)
    if old.rows:
        statement = sa.text(f"DELETE FROM {old.table} WHERE {_is_old(old.table, old.column)}")
        deleted = connection.execute(statement, {"before": old.before, "ready": ready}).rowcount
        audit(connection, old.table, f"before {old.before}", deleted, 0, run_id)
