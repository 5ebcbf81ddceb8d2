"""One load: the mapped events of some batches of a source, into the warehouse, in one transaction."""

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.errors import BadInputError
from customer_behavior.features import customer_day
from customer_behavior.ingest.mapping import EVENT_COLUMNS, check_header, map_block
from customer_behavior.ingest.reading import Refusal, read_delimited
from customer_behavior.ingest.source import Source
from customer_behavior.settings import Shop
from customer_behavior.warehouse import audit, copy_frame, ensure_partitions, run_sql

log = logging.getLogger(__name__)

STAGED_COLUMNS = [*EVENT_COLUMNS[:-1], "batch_date", "file", "line"]


@dataclass
class Batch:
    """One source and date: its files, and what was found in them."""

    batch_date: date
    status: str  # loaded, empty or closed
    files: list[Path] = field(default_factory=list)
    rows_read: int = 0
    rows_rejected: int = 0


def load(
    connection: Connection, source: Source, shop: Shop, batches: list[Batch], landing: Path, run_id: str | None
) -> None:
    """Replace `batches` of `source`: events, duplicates, rejects, ledger and daily rollup. Counts are set on the batches.

    Raises
    ------
    BadInputError
        When a file cannot be read, or a batch refuses more than the source's `reject_limit`; nothing is changed then.
    """
    dates = [batch.batch_date for batch in batches]
    old_days = _known_days(connection, source, dates)
    run_sql(connection, "ingest/stage")
    for batch in batches:
        _stage(connection, source, shop, batch, landing)
        _check_limit(source, batch)
    connection.execute(sa.text("ANALYZE staged_events"))
    run_sql(connection, "ingest/identify")
    connection.execute(sa.text("ANALYZE incoming"))
    pairs = connection.execute(sa.text("SELECT DISTINCT batch_date, event_day FROM incoming")).all()
    slices = {(row.batch_date, row.event_day) for row in pairs} | old_days
    days = sorted({day for _, day in slices}) or dates
    span = {"source": source.name, "first_day": days[0], "last_day": days[-1]}
    if slices:
        ensure_partitions(connection, "raw.events", days[0], days[-1])
    deleted = _replace(connection, dates, span)
    slices |= {tuple(row) for row in connection.execute(sa.text("TABLE yielded UNION TABLE given_back"))}
    written = customer_day.replace(connection, source.name, slices, shop.timezone)
    ledger = [
        {
            "batch_date": batch.batch_date.isoformat(),
            "status": batch.status,
            "files": [str(file.relative_to(landing)) for file in batch.files],
            "rows_read": batch.rows_read,
            "rows_rejected": batch.rows_rejected,
        }
        for batch in batches
    ]
    run_sql(connection, "ingest/write_ledger", source=source.name, batches=json.dumps(ledger), run_id=run_id)
    piece = f"{source.name} {dates[0]}" + (f" to {dates[-1]}" if len(dates) > 1 else "")
    audit(connection, "raw.events", piece, *deleted, run_id)
    audit(connection, "features.customer_day", piece, *written, run_id)


def _known_days(connection: Connection, source: Source, dates: list[date]) -> set[tuple[date, date]]:
    rows = connection.execute(
        sa.text(
            "SELECT batch_date, unnest(event_days) AS event_day FROM raw.ingest_batches"
            " WHERE source = :source AND batch_date = ANY(cast(:dates AS date []))"
        ),
        {"source": source.name, "dates": dates},
    )
    return {(row.batch_date, row.event_day) for row in rows}


def _replace(connection: Connection, dates: list[date], span: dict) -> tuple[int, int]:
    """Put the incoming events in place of the batches' old ones; return the event rows (deleted, written)."""
    deleted = run_sql(connection, "ingest/remove_batches", dates=dates, **span).rowcount
    run_sql(connection, "ingest/remove_duplicates", source=span["source"], dates=dates)
    run_sql(connection, "ingest/yield_events", **span)
    run_sql(connection, "ingest/insert_duplicates", **span)
    written = run_sql(connection, "ingest/insert_events", source=span["source"]).rowcount
    run_sql(connection, "ingest/give_back", **span)
    return deleted, written


def _stage(connection: Connection, source: Source, shop: Shop, batch: Batch, landing: Path) -> None:
    connection.execute(
        sa.text("DELETE FROM raw.rejected_events WHERE source = :source AND batch_date = :day"),
        {"source": source.name, "day": batch.batch_date},
    )
    for path in batch.files:
        name = str(path.relative_to(landing))
        for number, block in enumerate(read_delimited(path, source.delimiter)):
            if number == 0:
                check_header(source, block.table.column_names, name)
            mapped = map_block(source, block, batch.batch_date, shop.zone)
            events = mapped.events.assign(batch_date=batch.batch_date, file=name)
            if len(events):
                copy_frame(connection, "staged_events", events[STAGED_COLUMNS])
            _reject(connection, source, batch, name, mapped.refusals)
            batch.rows_read += len(mapped.events) + len(mapped.refusals)
            batch.rows_rejected += len(mapped.refusals)
    if batch.status == "loaded" and not batch.rows_read:
        batch.status = "empty"


def _reject(connection: Connection, source: Source, batch: Batch, file: str, refusals: Iterable[Refusal]) -> None:
    rows = list(_reject_rows(source, batch, file, refusals))
    if rows:
        copy_frame(connection, "raw.rejected_events", pd.DataFrame(rows))


def _reject_rows(source: Source, batch: Batch, file: str, refusals: Iterable[Refusal]) -> Iterator[dict]:
    for refusal in refusals:
        yield {
            "source": source.name,
            "batch_date": batch.batch_date,
            "file": file,
            "line": refusal.line,
            "reason": refusal.reason,
            "detail": refusal.detail,
            "raw_text": refusal.raw_text,
        }


def _check_limit(source: Source, batch: Batch) -> None:
    if batch.rows_read and batch.rows_rejected / batch.rows_read > source.reject_limit:
        raise BadInputError(
            f"{source.name} {batch.batch_date}: {batch.rows_rejected:,} of {batch.rows_read:,} rows refused, more than the "
            f"reject_limit of {source.reject_limit:.1%} in include/sources/{source.name}.yaml; nothing was loaded, the tables "
            f"keep what they had"
        )
