"""Ingesting batches: which files belong to a date, what a missing one means, and loading dates in chunks."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

from customer_behavior.asof import ONE_DAY
from customer_behavior.errors import ConfigurationError, NotReadyError
from customer_behavior.ingest.emptied import refuse_to_empty
from customer_behavior.ingest.erased import left_out
from customer_behavior.ingest.landing import SHOWN, Found, counted_once, landed_files, still_awaited
from customer_behavior.ingest.loading import Delivery, load, staged
from customer_behavior.ingest.source import Source, load_source
from customer_behavior.ingest.staging import Batch
from customer_behavior.names import Role
from customer_behavior.settings import Shop
from customer_behavior.warehouse import Warehouse, lock

log = logging.getLogger(__name__)

CHUNK_BYTES = (
    64 << 20
)  # files of a range are loaded together up to this size: a transaction each costs more than a day's rows


def find_batch(source: Source, batch_date: date, landing: Path) -> Batch:
    """Return the batch of a date as the names of its files and the source's calendar say; no file is opened.

    Raises
    ------
    NotReadyError
        When no file has landed and the source does not allow that, or when an upload is still running; the message names what
        was looked for, and what lies there.
    """
    found = landed_files(source, batch_date, landing)
    if found.awaited:
        raise NotReadyError(f"{source.name} {batch_date}: not landed yet: {still_awaited(found, landing)}")
    if found.files:
        return Batch(batch_date, "loaded", found.files, passed_over=found.passed_over)
    if source.calendar.is_closed(batch_date):
        return Batch(batch_date, "closed", passed_over=found.passed_over)
    if source.on_missing == "empty":
        return Batch(batch_date, "empty", passed_over=found.passed_over)
    passed = "".join(f"; {one.file.name} is not read: {one.reason}" for one in found.passed_over[:SHOWN])
    raise NotReadyError(
        f"{source.name} {batch_date}: no file at {landing / source.path.format(date=batch_date)}; land it, or set on_missing "
        f"or the calendar in include/sources/{source.name}.yaml{passed}"
    )


def missing_files(batch_date: date, landing: Path, sources: Iterable[str]) -> list[str]:
    """Return what keeps the sources' batches of a date from being loaded, a sentence a source."""
    missing = []
    for name in sources:
        try:
            find_batch(load_source(name), batch_date, landing)
        except NotReadyError as error:
            missing.append(str(error))
    return missing


def load_batches(
    warehouse: Warehouse,
    shop: Shop,
    source_name: str,
    first: date,
    last: date,
    *,
    landing: Path,
    run_id: str | None = None,
) -> dict:
    """Load the batches `first` to `last`, both included, of a source; each replaces what it held before.

    Dates are loaded in chunks, each in a transaction, so that a range that fails keeps the chunks before it and can be run again.

    Returns
    -------
    dict
        source, batches, rows_read, rows_rejected, and files_passed_over: a sentence for each file that lay there and was not read.
    """
    if first > last:
        raise ConfigurationError(f"the range ends ({last}) before it begins ({first})")
    source = load_source(source_name)
    totals: Counter[str] = Counter()
    passed_over: list[str] = []
    with warehouse.begin(Role.INGEST) as holder:
        lock(holder, f"ingest {source.name}")  # before a file is read: two runs of a date see the same files
        for delivery in _read_ahead(source, shop, _chunks(source, first, last, landing), landing):
            with warehouse.begin(Role.INGEST) as connection, left_out(connection, delivery):
                refuse_to_empty(connection, source.name, [one.batch_date for one in delivery.batches if not one.files])
                load(connection, delivery, shop, run_id)
            batches = delivery.batches
            log.info("%s: loaded %s to %s", source.name, batches[0].batch_date, batches[-1].batch_date)
            passed_over += _say_passed_over(source, batches, landing)
            totals["batches"] += len(batches)
            totals["rows_read"] += sum(batch.rows_read for batch in batches)
            totals["rows_rejected"] += sum(batch.rows_rejected for batch in batches)
    return {"source": source.name, **totals, "files_passed_over": passed_over}


def _say_passed_over(source: Source, batches: list[Batch], landing: Path) -> list[str]:
    said = [
        f"{source.name} {batch.batch_date}: {one.file.relative_to(landing).as_posix()} was not read: {one.reason}"
        for batch in batches
        for one in batch.passed_over
    ]
    for sentence in said:
        log.warning(sentence)
    return said


def _read_ahead(source: Source, shop: Shop, chunks: Iterator[list[Batch]], landing: Path) -> Iterator[Delivery]:
    """Yield each chunk as it is read; the next one is read while the caller loads this one, and no further."""

    def read(chunk: list[Batch]) -> tuple[Delivery, ExitStack]:
        with ExitStack() as stack:
            delivery = stack.enter_context(staged(source, shop, chunk, landing))
            return delivery, stack.pop_all()

    with ThreadPoolExecutor(1, "read-ahead") as pool:
        ahead: Future | None = None
        try:
            ahead = pool.submit(read, next(chunks))
            while ahead is not None:
                delivery, stack = ahead.result()
                following = next(chunks, None)
                ahead = None if following is None else pool.submit(read, following)
                with stack:
                    yield delivery
        finally:
            if ahead is not None and not ahead.exception():
                ahead.result()[1].close()


def _chunks(source: Source, first: date, last: date, landing: Path) -> Iterator[list[Batch]]:
    batches = [find_batch(source, first + timedelta(days=n), landing) for n in range((last - first) // ONE_DAY + 1)]
    chunk: list[Batch] = []
    size = 0
    for batch in batches:
        _count_once(source, batch, landing)
        weight = sum(file.stat().st_size * (8 if file.suffix == ".gz" else 1) for file in batch.files)
        if chunk and size + weight > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(batch)
        size += weight
    if chunk:
        yield chunk


def _count_once(source: Source, batch: Batch, landing: Path) -> None:
    """Leave out files whose content another of the batch's files holds too."""
    found = counted_once(
        Found(batch.files, batch.passed_over), landing, header_lines=int(source.format == "csv" and not source.header)
    )
    batch.files, batch.passed_over = found.files, found.passed_over
