"""One load: some batches of a source, into the warehouse, in one transaction."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.errors import BadInputError
from customer_behavior.features import customer_day
from customer_behavior.ingest.engine import open_engine
from customer_behavior.ingest.landing import as_json
from customer_behavior.ingest.rates import exchange_of
from customer_behavior.ingest.source import Source
from customer_behavior.ingest.staging import Batch, Staging
from customer_behavior.settings import Shop
from customer_behavior.warehouse import audit, copy_arrow, copy_frame, ensure_partitions, run_sql

log = logging.getLogger(__name__)
LARGE_DAY = 50_000  # rows
Slices = set[tuple[date, date]]  # (batch date, event day)


@dataclass
class Delivery:
    """Batches as their files hold them: read, checked and given ids in an engine of their own, not loaded yet."""

    batches: list[Batch]
    staging: Staging
    refused: dict[date, list[dict]]


@contextmanager
def staged(source: Source, shop: Shop, batches: list[Batch], landing: Path) -> Iterator[Delivery]:
    """Read `batches`; counts are set on them. Touches no database, so that one delivery can be read while another loads.

    Raises
    ------
    BadInputError
        When a file cannot be read, or a batch refuses more than the source's `reject_limit`.
    """
    with open_engine(source.timezone) as engine:
        staging = Staging(engine, source, shop.zone, landing, exchange_of(source, shop, landing))
        refused = {batch.batch_date: staging.read(batch) for batch in batches}
        for batch in batches:
            _check_rejects(source, batch)
        staging.identify()
        yield Delivery(batches, staging, refused)


def load(connection: Connection, delivery: Delivery, shop: Shop, run_id: str | None) -> None:
    """Replace the delivery's batches: events, duplicates, rejects, ledger and daily rollup."""
    source = delivery.staging.source
    for batch_date, refused in delivery.refused.items():
        run_sql(connection, "ingest/remove_rejects", source=source.name, batch_date=batch_date)
        if refused:
            copy_frame(connection, "raw.rejected_events", pd.DataFrame(refused))
    _replace(connection, delivery.staging, delivery.batches, shop, run_id)


def _check_rejects(source: Source, batch: Batch) -> None:
    if batch.rows_read and batch.rows_rejected / batch.rows_read > source.reject_limit:
        raise BadInputError(
            f"{source.name} {batch.batch_date}: {batch.rows_rejected:,} of {batch.rows_read:,} rows refused, more than the "
            f"reject_limit of {source.reject_limit:.1%} in include/sources/{source.name}.yaml; nothing of it was loaded, the "
            f"tables keep what they had"
        )


def _replace(connection: Connection, staging: Staging, batches: list[Batch], shop: Shop, run_id: str | None) -> None:
    source, dates = staging.source, [batch.batch_date for batch in batches]
    old = _known_slices(connection, source, dates)
    new = staging.days()
    days = sorted({day for _, day in old | new})
    reach = timedelta(days=source.max_lateness_days if "event_id" in source.columns else 0)
    span: dict[str, Any] = {"source": source.name, "first_day": None, "last_day": None}
    if days:
        span.update(first_day=days[0] - reach, last_day=days[-1] + reach)
        ensure_partitions(connection, "raw.events", days[0], days[-1])
    deleted = _remove(connection, dates, span, bool(old))
    yielded = _settle_owners(connection, staging, dates, days, span)
    rollup = staging.roll_up()
    written = _copy_events(connection, staging)
    copy_arrow(connection, "raw.duplicate_events", staging.columns, staging.events("disowned"))
    returned: list[sa.Row] = []
    if old:
        returned = list(run_sql(connection, "ingest/give_back", **span))
    rollup.result()
    rolled = customer_day.replace_delivered(connection, source.name, old, staging.customer_days())
    moved = {(row.batch_date, row.event_day) for row in (*yielded, *returned)}
    customer_day.replace(connection, source.name, moved, shop.timezone)
    _write_ledger(connection, staging, batches, new, run_id)
    for sign, rows in ((-1, yielded), (1, returned)):
        for row in rows:
            run_sql(
                connection,
                "ingest/move_in_ledger",
                source=source.name,
                batch_date=row.batch_date,
                events=sign * row.events,
            )
    piece = f"{source.name} {dates[0]}" + (f" to {dates[-1]}" if len(dates) > 1 else "")
    audit(connection, "raw.events", piece, deleted, written, run_id)
    audit(connection, "features.customer_day", piece, *rolled, run_id)


def _known_slices(connection: Connection, source: Source, dates: list[date]) -> Slices:
    rows = run_sql(connection, "ingest/known_slices", source=source.name, dates=dates)
    return {(row.batch_date, row.event_day) for row in rows}


def _remove(connection: Connection, dates: list[date], span: dict, known: bool) -> int:
    """Take the batches' earlier contribution out; return the events removed."""
    if not known:
        return 0
    run_sql(connection, "ingest/remove_duplicates", source=span["source"], dates=dates)
    return run_sql(connection, "ingest/remove_events", dates=dates, **span).rowcount


def _copy_events(connection: Connection, staging: Staging) -> int:
    """Copy the owned events: a large day straight into its partition, which saves finding it for each row."""
    large = staging.large_days(LARGE_DAY)
    written = 0
    for day in large:
        rows = staging.events("owned", f"event_day = DATE '{day}'")
        written += copy_arrow(connection, f"raw.events_{day:%Y%m%d}", staging.columns, rows)
    rest = " AND ".join(f"event_day <> DATE '{day}'" for day in large)
    return written + copy_arrow(connection, "raw.events", staging.columns, staging.events("owned", rest or "true"))


def _settle_owners(
    connection: Connection, staging: Staging, dates: list[date], days: list[date], span: dict
) -> list[sa.Row]:
    """Find which incoming events an earlier batch owns, and take those that a later batch owned so far from it.

    Only days that another batch of the source has touched need a look, and of those only the time that both deliver: the same
    event has the same time.

    Returns
    -------
    list of rows
        batch_date, event_day, events: what later batches yielded.
    """
    if not days:
        return []
    shared = run_sql(connection, "ingest/shared_days", dates=dates, **span).all()
    own_ids = "event_id" in staging.source.columns  # the same event may come again with another time
    if not shared or not (staging.take_keys(days) if own_ids else staging.take_keys_between(shared)):
        return []
    connection.execute(
        sa.text(
            "CREATE TEMPORARY TABLE incoming_keys (event_id text, event_day date, batch_date date, delivery bigint) ON COMMIT DROP"
        )
    )
    copy_arrow(connection, "incoming_keys", ("event_id", "event_day", "batch_date", "delivery"), staging.keys())
    connection.execute(sa.text("ANALYZE incoming_keys"))
    earlier = pd.DataFrame(
        run_sql(connection, "ingest/owned_by_earlier", **span).all(), columns=["event_id", "batch_date"]
    )
    staging.owned_elsewhere(earlier)
    return list(run_sql(connection, "ingest/yield_events", **span))


def _write_ledger(
    connection: Connection, staging: Staging, batches: list[Batch], new: Slices, run_id: str | None
) -> None:
    duplicates = staging.count_disowned()
    for batch in batches:
        repeated = duplicates.get(batch.batch_date, 0)
        run_sql(
            connection,
            "ingest/write_ledger",
            source=staging.source.name,
            batch_date=batch.batch_date,
            status=batch.status,
            files=json.dumps([file.relative_to(staging.landing).as_posix() for file in batch.files]),
            files_passed_over=as_json(batch.passed_over, staging.landing),
            rows_read=batch.rows_read,
            rows_accepted=batch.rows_read - batch.rows_rejected - repeated,
            rows_rejected=batch.rows_rejected,
            rows_duplicate=repeated,
            event_days=json.dumps(sorted(str(day) for batch_date, day in new if batch_date == batch.batch_date)),
            run_id=run_id,
        )
