"""What is fuzzed: functions of bytes that must end without an exception, whatever the bytes are.

A reader may refuse a file with a sentence that names it, and a record with a reason; it may not lose one, or fail otherwise.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from customer_behavior.errors import PlatformError
from customer_behavior.ingest import blocks
from customer_behavior.ingest.blocks import Block
from customer_behavior.ingest.engine import open_engine
from customer_behavior.ingest.jsonl import read_jsonl
from customer_behavior.ingest.parquet import read_parquet
from customer_behavior.ingest.reading import read_delimited
from customer_behavior.ingest.source import Source
from customer_behavior.ingest.staging import Staging

WANTED = ("a", "b", "n.0.x", "p.key")
FIELDS = ("time", "type", "customer", "item", "units", "price", "off", "kept")
SPLIT = b"\x1f"
ZONE = ZoneInfo("America/New_York")
SOURCE = Source.model_validate(
    {
        "name": "fuzzed", "description": "", "path": "{date}", "timezone": "America/New_York", "currency": "USD",
        "max_lateness_days": 3, "keep": ["kept"], "rules": {"negative_quantity": "return", "zero_quantity": "other"},
        "columns": {"event_time": "time", "event_type": "type", "customer_id": "customer", "product_id": "item",
                    "quantity": "units", "line_total": "price", "line_discount": "off"},
    }
)  # fmt: skip


def _read(content: bytes, suffix: str, reader: Callable[[Path], Iterator[Block]]) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        path = Path(folder) / f"f.{suffix}"
        path.write_bytes(content)
        numbers: list[int] = []
        try:
            for block in reader(path):
                assert block.table.num_rows == len(block.lines), "each record has its line"
                assert all(pa.types.is_string(column.type) for column in block.table.columns)
                if block.refusals or len(block.lines):
                    assert len(block.text) >= len(block.lines)
                block.table.validate(full=True)
                assert all("\0" not in (value or "") for column in block.table.columns for value in column.to_pylist())
                numbers += [*map(int, block.lines), *(refusal.line for refusal in block.refusals)]
                assert all(refusal.raw_text and "\0" not in refusal.raw_text for refusal in block.refusals)
        except PlatformError as error:
            assert str(path) in str(error), "a refused file is named"
            return
        assert len(set(numbers)) == len(numbers), "no line is counted twice"
        if suffix in ("csv", "jsonl"):
            assert set(numbers) <= set(range(1, content.count(b"\n") + 2)), "a line is one of the file's"


def _in_small_blocks(size: int, run: Callable[[], None]) -> None:
    before = blocks.BLOCK_BYTES
    blocks.BLOCK_BYTES = size
    try:
        run()
    finally:
        blocks.BLOCK_BYTES = before


def delimited(content: bytes) -> None:
    """The reader of CSV; the first byte is the size of its blocks."""
    size = (content[0] if content else 0) + 1
    _in_small_blocks(size, lambda: _read(content[1:], "csv", read_delimited))


def gzipped(content: bytes) -> None:
    """The reader of gzipped CSV."""
    _read(content, "csv.gz", read_delimited)


def jsonl(content: bytes) -> None:
    """The reader of JSON Lines; the first byte is the size of its blocks."""
    size = (content[0] if content else 0) + 1
    _in_small_blocks(size, lambda: _read(content[1:], "jsonl", lambda path: read_jsonl(path, WANTED)))


def parquet(content: bytes) -> None:
    """The reader of Parquet."""
    _read(content, "parquet", lambda path: read_parquet(path, WANTED))


OPEN = ExitStack()  # for the life of the process


@cache
def _staging() -> Staging:
    engine = OPEN.enter_context(open_engine(SOURCE.timezone))
    return Staging(engine, SOURCE, ZONE, Path())


def mapping(content: bytes) -> None:
    """The mapping of a row, from its texts to an event and what it adds to the rollup; fields stand between 0x1f bytes."""
    texts = [part.decode(errors="replace").replace("\0", "") or None for part in content.split(SPLIT)]
    texts = (texts + [None] * len(FIELDS))[: len(FIELDS)]
    table = pa.table({name: pa.array([text], pa.string()) for name, text in zip(FIELDS, texts, strict=True)})
    staging = _staging()
    staging.blocks.clear()
    try:
        accepted, refusals = staging.stage(Block(table, np.array([2]), ["the row"]), date(2024, 3, 5), "f.csv")
        assert accepted + len(refusals) == 1, "a row is an event or a reject"
        assert all(refusal.reason and refusal.detail for refusal in refusals)
        total = "sum(CAST(quantity AS DECIMAL(24, 10)) * CAST(price AS DECIMAL(24, 10))), sum(quantity * discount)"
        row = staging.engine.execute(f"SELECT {total}, bool_and(event_type IS NOT NULL) FROM mapped_0").fetchone()
        assert row is not None
        assert row[2] is not False
    finally:
        staging.engine.execute("DROP TABLE IF EXISTS mapped_0")


TARGETS: dict[str, Callable[[bytes], None]] = {
    "delimited": delimited,
    "gzipped": gzipped,
    "jsonl": jsonl,
    "parquet": parquet,
    "mapping": mapping,
}
