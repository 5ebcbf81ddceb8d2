"""Reading delimited text in bounded memory: blocks of lines, all columns as text, every line with its number.

A block that pyarrow reads as it stands takes the fast way. One that it refuses (a quote, a wrong number of columns, bytes that
are no UTF-8) is read again record by record, so that only the bad lines of it are refused.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from customer_behavior.errors import BadInputError

BLOCK_BYTES = 32 << 20
CHUNK_BYTES = 2 << 20  # what one thread takes of a block
csv.field_size_limit(1 << 30)


@dataclass(frozen=True)
class Refusal:
    """A line that cannot be an event: where it is, why, and what stood there."""

    line: int
    reason: str
    detail: str
    raw_text: str


@dataclass(frozen=True)
class Block:
    """Some records of a file.

    Attributes
    ----------
    table : pyarrow.Table, all columns string
        The records, one column per column of the file.
    lines : ndarray of int64, shape (rows,)
        The line on which each record begins, the header being line 1.
    text : list of str
        The block's records as they stood in the file, aligned with `lines`; made only when asked for.
    refusals : list of Refusal
        Records that could not be read.
    """

    table: pa.Table
    lines: np.ndarray
    content: bytes | list[str]
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def text(self) -> list[str]:
        if isinstance(self.content, bytes):
            return [line.decode(errors="replace") for line in self.content.split(b"\n")]
        return self.content


def read_delimited(path: Path, delimiter: str = ",") -> Iterator[Block]:
    """Yield the blocks of a delimited text file with a header line, gzipped if its name ends in .gz.

    Raises
    ------
    BadInputError
        When the file is empty, has no usable header, or its compression is broken; the message names the file.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            yield from _blocks(file, path, delimiter)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInputError(f"{path}: the gzip stream is broken ({error}); deliver the file again") from error


def _blocks(file: BinaryIO | gzip.GzipFile, path: Path, delimiter: str) -> Iterator[Block]:
    header_line = file.readline().removeprefix(b"\xef\xbb\xbf")
    try:
        header = next(csv.reader([header_line.decode()], delimiter=delimiter), [])
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path}: the header line is no UTF-8 ({error}); deliver the file in UTF-8") from error
    header = [name.strip() for name in header]
    if not any(header):
        raise BadInputError(f"{path}: no header line; the first line must name the columns")
    if len(set(header)) < len(header):
        raise BadInputError(f"{path}: a column name stands twice in the header: {', '.join(header)}")
    line = 2
    while content := file.read(BLOCK_BYTES):
        content += file.readline()
        yield _fast(content, header, delimiter, line) or _slow(content, header, delimiter, line)
        line += content.count(b"\n")


def _fast(content: bytes, header: list[str], delimiter: str, first_line: int) -> Block | None:
    """Return the block as pyarrow reads it, or None when a record needs a closer look."""
    if b'"' in content or b"\r" in content or b"\0" in content:
        return None
    try:
        table = pa_csv.read_csv(
            io.BytesIO(content),
            read_options=pa_csv.ReadOptions(column_names=header, block_size=CHUNK_BYTES),
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid:
        return None
    if len(header) == 1 and table.num_rows and table.column(0).null_count:
        return None  # blank lines: no records
    return Block(table, np.arange(first_line, first_line + table.num_rows), content)


def _slow(content: bytes, header: list[str], delimiter: str, first_line: int) -> Block:
    """Return the block read record by record; a record that cannot be read becomes a refusal."""
    lines = content.decode(errors="surrogateescape").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    kept: list[list[str | None]] = []
    starts: list[int] = []
    texts: list[str] = []
    refusals: list[Refusal] = []
    quoted_newlines = content.count(b'"') % 2 == 0
    for start, text in _records(lines, delimiter) if quoted_newlines else enumerate(lines):
        record = text.rstrip("\r")
        if not record.strip():
            continue
        where = first_line + start
        shown = record.encode(errors="surrogateescape").decode(errors="replace")[:10_000].replace("\0", "\ufffd")
        if any("\udc80" <= character <= "\udcff" for character in record):
            refusals.append(Refusal(where, "encoding", "the line is no UTF-8", shown))
        elif "\0" in record:
            refusals.append(
                Refusal(where, "nul_byte", "the line holds a NUL byte, which a database cannot keep", shown)
            )
        else:
            fields = _fields(record, delimiter)
            if fields is None:
                refusals.append(Refusal(where, "unreadable", "a quote is opened and not closed", shown))
            elif len(fields) != len(header):
                words = f"the line has {len(fields)} columns, the header {len(header)}"
                refusals.append(Refusal(where, "column_count", words, shown))
            else:
                kept.append([value or None for value in fields])
                starts.append(where)
                texts.append(shown)
    columns = zip(*kept, strict=True) if kept else [[] for _ in header]
    table = pa.table({name: pa.array(values, pa.string()) for name, values in zip(header, columns, strict=True)})
    return Block(table, np.array(starts, dtype=np.int64), texts, refusals)


def _records(lines: list[str], delimiter: str) -> Iterator[tuple[int, str]]:
    """Yield (index of its first line, text) of each record, joining lines inside a quoted field."""
    pending: list[str] = []
    start = 0
    for index, line in enumerate(lines):
        if not pending:
            start = index
        pending.append(line)
        if sum(part.count('"') for part in pending) % 2 == 0:
            yield start, "\n".join(pending)
            pending = []
    for offset, line in enumerate(pending):
        yield start + offset, line


def _fields(record: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None
