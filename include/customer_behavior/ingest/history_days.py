"""Dividing one file by the day of its records, in bounded memory; records go on as they stood, byte by byte or row by row."""

import gzip
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from customer_behavior.ingest import blocks
from customer_behavior.ingest.blocks import Block, open_bytes, open_text
from customer_behavior.ingest.formats import read_file
from customer_behavior.ingest.mapping import check_header, mapping_sql
from customer_behavior.ingest.mending import untidy_columns
from customer_behavior.ingest.parquet import BATCH_ROWS
from customer_behavior.ingest.source import Source
from customer_behavior.ingest.staging import Staging

UNKNOWN = -(1 << 31)  # the day of records before the first that has one
EPOCH = date(1970, 1, 1).toordinal()


class Days:
    """The shop-local day of each record of a file, as days since 1970, in the order of the file.

    A record whose time cannot be read, or lies outside the years 1990 to 2100, has the day of the record before it, where it is
    refused as in any batch. Rows that `fill_down` holds together have the day of the first of them.

    Attributes
    ----------
    unreadable : int
        Records without a day of their own so far, those that the reader refuses included.
    """

    def __init__(self, engine: duckdb.DuckDBPyConnection, source: Source, zone: ZoneInfo) -> None:
        self.staging = Staging(engine, source, zone, Path())
        self.source = source
        self.unreadable = 0
        self._last_day = UNKNOWN
        self._last_by: str | None = None

    def of(self, block: Block) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the first line of each record, its day, and whether the reader refused it."""
        lines, days = self._own(block)
        refused = np.array([one.line for one in block.refusals], dtype=np.int64)
        # A record with several items may be refused for one of them: it is a record still.
        starts, place = np.unique(np.concatenate([lines, refused]), return_index=True)
        days = np.concatenate([days, np.full(len(refused), UNKNOWN)])[place]
        known = np.where(days != UNKNOWN, np.arange(len(days)), -1)
        latest = np.maximum.accumulate(known) if len(known) else known
        days = np.where(latest >= 0, days[latest], self._last_day)
        if len(days):
            self._last_day = int(days[-1])
        return starts, days, place >= len(lines)

    def _own(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        """Return line and day of the records that could be read; of a record with several items, the day of its first."""
        if not len(block.lines):
            return block.lines, block.lines
        rows, engine = self.staging.rows(block), self.staging.engine
        engine.register("block", rows)
        ragged = untidy_columns(self.source, rows.select(self.source.wanted))
        select = mapping_sql(self.source, self.source.wanted, date(2000, 1, 1), self.staging.shop_zone, ragged)
        found = engine.sql(
            f"SELECT line, CASE WHEN year(event_day) BETWEEN 1990 AND 2100 THEN event_day - DATE '1970-01-01' END AS day"
            f" FROM ({select}) ORDER BY {', '.join(self.staging.place)}"
        ).to_arrow_table()
        engine.unregister("block")
        lines, firsts = np.unique(found["line"].to_numpy(), return_index=True)
        days = pc.fill_null(found["day"].cast(pa.int64()), UNKNOWN).to_numpy()[firsts]
        goes_on = self._goes_on(block)
        self.unreadable += int(np.count_nonzero((days == UNKNOWN) & ~goes_on)) + len(block.refusals)
        return lines, np.where(goes_on, UNKNOWN, days)

    def _goes_on(self, block: Block) -> np.ndarray:
        """Return which rows belong to the row before them, as fill_down says."""
        fill_down = self.source.fill_down
        if fill_down is None or fill_down.by not in block.table.column_names:
            return np.zeros(len(np.unique(block.lines)), dtype=bool)
        key = pc.utf8_trim(block.table[fill_down.by].combine_chunks(), " ")
        before = pa.concat_arrays([pa.array([self._last_by], pa.string()), key.slice(0, len(key) - 1)])
        self._last_by = key[-1].as_py()
        same = pc.and_(pc.equal(key, before), pc.not_equal(key, ""))
        return same.fill_null(False).to_numpy(zero_copy_only=False)


class Spool:
    """The records of a file by day, in a folder: text as it stood, or tables of Parquet.

    Attributes
    ----------
    header : bytes
        Of text with a header, its line.
    records : Counter of int
        Records by day since 1970.
    """

    def __init__(self, folder: Path, source: Source) -> None:
        self.folder = folder
        self.source = source
        self.header = b""
        self.schema: pa.Schema | None = None
        self.records: Counter[int] = Counter()
        self._parts: dict[int, list[Path]] = defaultdict(list)

    def fill(self, path: Path, days: Days) -> None:
        """Divide a file. See BadInputError in the reader of its format."""
        (self._fill_tables if self.source.format == "parquet" else self._fill_text)(path, days)

    def _blocks(self, path: Path) -> Iterator[Block]:
        checked = False
        for block in read_file(self.source, path):
            if not checked and block.table.column_names:
                check_header(self.source, block.table.column_names, path.name)
                checked = True
            yield block

    def _fill_text(self, path: Path, days: Days) -> None:
        with open_text(path) as file:
            lines = _Lines(file)
            if self.source.format == "csv" and not self.source.header:
                self.header = file.readline(blocks.MAX_RECORD_BYTES).rstrip(b"\r\n") + b"\n"
                lines.number = 2
            last: tuple[int, bool] | None = None
            for block in self._blocks(path):
                starts, of, refused = days.of(block)
                self.records.update(of.tolist())
                for first, day, bad in _runs(starts, of, refused):
                    self._take(lines, first, last)
                    last = (day, bad)
            self._take(lines, sys.maxsize, last)

    def _take(self, lines: "_Lines", before: int, key: tuple[int, bool] | None) -> None:
        """Write the lines up to one into the file of a day; refused ones stand at its end, where no quote of theirs stays open."""
        for content in lines.until(before):
            if key is not None:  # else blank lines before the first record
                with (self.folder / f"{key[0]}{'.refused' if key[1] else ''}").open("ab") as file:
                    file.write(content)

    def _fill_tables(self, path: Path, days: Days) -> None:
        of = _Ahead(days.of(block)[1] for block in self._blocks(path))
        with open_bytes(path) as opened, pq.ParquetFile(opened) as file:
            self.schema = file.schema_arrow
            for number, batch in enumerate(file.iter_batches(batch_size=BATCH_ROWS)):
                day_of = of.take(batch.num_rows)
                for day in np.unique(day_of).tolist():
                    rows = batch.filter(pa.array(day_of == day))
                    part = self.folder / f"{day}.{number}"
                    pq.write_table(pa.Table.from_batches([rows]), part)
                    self._parts[day].append(part)
                    self.records[day] += rows.num_rows

    def write(self, day: int, also: int | None, target: BinaryIO) -> None:
        """Write the file of a day; `also` is a second day whose records go in at the end."""
        given = [day] if also is None else [day, also]
        if self.source.format == "parquet":
            with pq.ParquetWriter(target, self.schema) as writer:
                for part in (part for one in given for part in self._parts.get(one, ())):
                    writer.write_table(pq.read_table(part))
            return
        target.write(self.header)
        held = [self.folder / f"{one}{end}" for end in ("", ".refused") for one in given]
        for part in held:
            if part.exists():
                with part.open("rb") as file:
                    while content := file.read(1 << 20):
                        target.write(content)
        if not self.header and not any(part.exists() for part in held):
            target.write(b"\n")  # a file of 0 bytes is one that has not landed


class _Lines:
    """A text's lines, in pieces; `number` is the next one's."""

    def __init__(self, file: BinaryIO | gzip.GzipFile) -> None:
        self.file = file
        self.number = 1

    def until(self, before: int) -> Iterator[bytes]:
        """Yield the lines up to that with the number `before`, each ended, many at a time."""
        held: list[bytes] = []
        size = 0
        piece = b"\n"
        while self.number < before and (more := self.file.readline(blocks.MAX_RECORD_BYTES)):
            piece = more
            held.append(piece)
            size += len(piece)
            self.number += piece.endswith(b"\n")
            if size > blocks.BLOCK_BYTES:
                yield b"".join(held)
                held, size = [], 0
        if not piece.endswith(b"\n"):
            held.append(b"\n")
        if held:
            yield b"".join(held)


class _Ahead:
    """Arrays that come in pieces of one size, taken in pieces of another."""

    def __init__(self, pieces: Iterator[np.ndarray]) -> None:
        self.pieces = pieces
        self.held = np.empty(0, dtype=np.int64)

    def take(self, count: int) -> np.ndarray:
        """Return the next `count` values."""
        while len(self.held) < count:
            self.held = np.concatenate([self.held, next(self.pieces)])
        taken, self.held = self.held[:count], self.held[count:]
        return taken


def _runs(starts: np.ndarray, days: np.ndarray, refused: np.ndarray) -> Iterator[tuple[int, int, bool]]:
    """Yield (first line, day, refused) of each run of records that go to one file."""
    if not len(starts):
        return
    changes = np.flatnonzero((np.diff(days) != 0) | (np.diff(refused.astype(np.int8)) != 0)) + 1
    for first in (0, *changes.tolist()):
        yield int(starts[first]), int(days[first]), bool(refused[first])
