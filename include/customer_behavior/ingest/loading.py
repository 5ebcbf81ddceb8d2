"""One load: some batches of a source, into the warehouse, in one transaction."""

import json
import logging
from collections import Counter
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
from customer_behavior.ingest import customer_day, orders
from customer_behavior.ingest.engine import open_engine
from customer_behavior.ingest.landing import as_json
from customer_behavior.ingest.limits import refusal_of
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
            _check_whole(source, batch)
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


def _check_whole(source: Source, batch: Batch) -> None:
    refusal = refusal_of(source, batch)
    if refusal:
        raise BadInputError(
            f"{source.name} {batch.batch_date}: {refusal}; nothing of it was loaded, the tables keep what they had"
        )


def _replace(connection: Connection, staging: Staging, batches: list[Batch], shop: Shop, run_id: str | None) -> None:
    source, dates = staging.source, [batch.batch_date for batch in batches]
    old = _known_slices(connection, source, dates)
    new = staging.days()
    days = sorted({day for _, day in old | new})
    contested, order_days = orders.find_contested(connection, staging, dates)
    customer_day.begin(connection)
    customer_day.touch_shared(connection, source.name, sorted({day for _, day in old}), dates)
    customer_day.touch_orders(connection)
    span = _span(source, days, order_days)
    if days:
        ensure_partitions(connection, "raw.events", days[0], days[-1])
    deleted = _remove(connection, dates, span, bool(old))
    yielded = _settle_owners(connection, staging, dates, days, contested, span)
    rollup = staging.roll_up()
    written = _copy_events(connection, staging)
    copy_arrow(connection, "raw.duplicate_events", staging.columns, staging.events("disowned"))
    returned: list[sa.Row] = []
    if old:
        returned = list(run_sql(connection, "ingest/give_back", **span))
    rollup.result()
    rolled = customer_day.replace_delivered(connection, source.name, old, staging.customer_days())
    _write_ledger(connection, staging, batches, new, run_id)
    for sign, rows in ((-1, yielded), (1, returned)):
        for batch_date, events in Counter(row.batch_date for row in rows).items():
            run_sql(
                connection, "ingest/move_in_ledger", source=source.name, batch_date=batch_date, events=sign * events
            )
    orders.settle_states(connection, source, order_days)
    customer_day.touch_shared(connection, source.name, days, dates)
    customer_day.touch(connection, [*yielded, *returned])
    again = customer_day.rebuild_touched(connection, source.name, shop.timezone, source.order_reach)
    piece = f"{source.name} {dates[0]}" + (f" to {dates[-1]}" if len(dates) > 1 else "")
    audit(connection, "raw.events", piece, deleted, written, run_id)
    audit(connection, "features.customer_day", piece, rolled[0] + again[0], rolled[1] + again[1], run_id)


def _span(source: Source, days: list[date], order_days: list[date]) -> dict[str, Any]:
    """Return the source and the days on which other batches may have the load's events: its own, those around, its orders'."""
    if not days:
        return {"source": source.name, "days": order_days}
    reach = source.max_lateness_days if "event_id" in source.columns else 0
    first, count = days[0] - timedelta(days=reach), (days[-1] - days[0]).days + 2 * reach + 1
    return {"source": source.name, "days": sorted({*(first + timedelta(days=n) for n in range(count)), *order_days})}


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
    connection: Connection, staging: Staging, dates: list[date], days: list[date], contested: list[str], span: dict
) -> list[sa.Row]:
    """Find which incoming events an earlier batch owns, and take those that a later batch owned so far from it.

    Only days that another batch of the source has touched need a look, and of those only the time that both deliver: the same
    event has the same time. A line of a `contested` order may have another, as may an event with an id of its own.

    Returns
    -------
    list of rows
        batch_date, event_day, customer_id: an event each that a later batch yielded.
    """
    if not days:
        return []
    shared = run_sql(connection, "ingest/shared_days", dates=dates, **_span(staging.source, days, [])).all()
    again = contested if staging.source.repeats_orders else []
    if "event_id" in staging.source.columns:
        found = staging.choose(days=days if shared else [])
    else:
        found = staging.choose(spans=[tuple(row) for row in shared], orders=again)
    if not found:
        return []
    connection.execute(
        sa.text(
            "CREATE TEMPORARY TABLE incoming_keys (event_id text, event_day date, batch_date date, delivery bigint) ON COMMIT DROP"
        )
    )
    copy_arrow(connection, "incoming_keys", ("event_id", "event_day", "batch_date", "delivery"), staging.keys())
    connection.execute(sa.text("ANALYZE incoming_keys"))
    reach = staging.source.repeat_reach
    earlier = pd.DataFrame(
        run_sql(connection, "ingest/owned_by_earlier", **span, reach=reach).all(), columns=["event_id", "batch_date"]
    )
    staging.owned_elsewhere(earlier)
    return list(run_sql(connection, "ingest/yield_events", **span, reach=reach))


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
            rows_accepted=batch.rows_read - batch.rows_rejected - batch.rows_dropped - repeated,
            rows_rejected=batch.rows_rejected,
            rows_duplicate=repeated,
            rows_nobody=batch.rows_nobody,
            rows_dropped=batch.rows_dropped,
            values_mended=json.dumps(batch.mended),
            event_days=json.dumps(sorted(str(day) for batch_date, day in new if batch_date == batch.batch_date)),
            run_id=run_id,
        )
