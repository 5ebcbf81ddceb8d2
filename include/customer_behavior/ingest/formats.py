"""One reader for each format that a source may deliver; all yield the same blocks."""

from collections.abc import Iterator
from pathlib import Path

from customer_behavior.ingest.blocks import Block
from customer_behavior.ingest.filling import filled_down
from customer_behavior.ingest.jsonl import read_jsonl
from customer_behavior.ingest.parquet import read_parquet
from customer_behavior.ingest.reading import read_delimited
from customer_behavior.ingest.source import Source


def read_file(source: Source, path: Path) -> Iterator[Block]:
    """Yield the blocks of a landed file in its source's format; see BadInputError in the reader of each."""
    commas = source.number_columns if source.decimal == "," else ()
    if source.format == "jsonl":
        return read_jsonl(path, source.wanted, source.explode, commas)
    if source.format == "parquet":
        return read_parquet(path, source.wanted, source.explode, commas)
    read = read_delimited(path, source.delimiter, source.header)
    return filled_down(read, source.fill_down) if source.fill_down else read
