"""Reading delimited text in bounded memory: blocks of lines, all columns as text, every line with its number.

A block that pyarrow reads as it stands takes the fast way. One that it refuses (a quote, a wrong number of columns, bytes that
are no UTF-8) is read again record by record, so that only the bad lines of it are refused.
"""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from customer_behavior.errors import BadInputError
from customer_behavior.ingest import blocks
from customer_behavior.ingest.blocks import (
    INVISIBLE,
    SPACES,
    Block,
    Refusal,
    has_long_line,
    open_text,
    shown,
    text_blocks,
    too_long,
)

UNNAMED = "(column {}, without a name)"
CHUNK_BYTES = 2 << 20  # what one thread takes of a block
csv.field_size_limit(1 << 30)
Record = tuple[
    int, str | None, list[str] | None
]  # first line, text (None: goes on in the next block), fields (None: unreadable)


def read_delimited(path: Path, delimiter: str = ",", header: Sequence[str] = ()) -> Iterator[Block]:
    """Yield the blocks of a delimited text file, gzipped if its name ends in .gz.

    Its first line names the columns, unless `header` does: then it is a row like the others.

    Raises
    ------
    BadInputError
        When the file is empty, has no usable header, or its compression is broken; the message names the file.
    """
    with open_text(path) as file:
        yield from _blocks(file, path, delimiter, list(header))


def _blocks(file: BinaryIO | gzip.GzipFile, path: Path, delimiter: str, header: list[str]) -> Iterator[Block]:
    line = 1  # of the next block's first record
    if not header:
        header = _header(file.readline(blocks.MAX_RECORD_BYTES), path, delimiter)
        line = 2
    carry = b""  # a record whose quote is open at the end of a block goes on in the next
    for content, first_line, refusals in text_blocks(file, line):
        content = content.removeprefix(b"\xef\xbb\xbf") if first_line == 1 else content
        line = first_line - carry.count(b"\n")
        content = carry + content
        block = None if refusals else _fast(content, header, delimiter, line)
        carry = b""
        if block is None:
            block, carry = _slow(content, header, delimiter, line, ends=bool(refusals))
            block.refusals.extend(refusals)
        line += content.count(b"\n") - carry.count(b"\n")
        yield block
    if carry:
        yield _slow(carry, header, delimiter, line, ends=True)[0]


def _header(line: bytes, path: Path, delimiter: str) -> list[str]:
    line = line.removeprefix(b"\xef\xbb\xbf")
    if len(line) >= blocks.MAX_RECORD_BYTES:
        raise BadInputError(
            f"{path}: the header line is longer than {blocks.MAX_RECORD_BYTES:,} bytes; is this a text file?"
        )
    try:
        text = line.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path}: the header line is no UTF-8 ({error}); deliver the file in UTF-8") from error
    if "\r" in text:
        raise BadInputError(f"{path}: lines end in a lone CR; deliver the file with LF or CRLF")
    if "\0" in text:
        raise BadInputError(f"{path}: the header line holds a NUL byte; deliver the file in UTF-8")
    header = [name.strip(SPACES + INVISIBLE) for name in _fields(text, delimiter) or []]
    if not any(header):
        raise BadInputError(f"{path}: no header line; the first line must name the columns")
    named = [name or UNNAMED.format(number) for number, name in enumerate(header, 1)]
    if len(set(named)) < len(named):
        raise BadInputError(f"{path}: a column name stands twice in the header: {', '.join(named)}")
    return named


def _fast(content: bytes, header: list[str], delimiter: str, first_line: int) -> Block | None:
    """Return the block as pyarrow reads it, or None when a record needs a closer look."""
    if b'"' in content or b"\0" in content or has_long_line(content):
        return None
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n")
        if b"\r" in content:
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
    lines = np.arange(first_line, first_line + table.num_rows)
    if content.startswith(b"\n") or b"\n\n" in content:  # blank lines are no records; pyarrow makes rows of them
        rows = content.split(b"\n")[: table.num_rows]
        filled = np.array([bool(row) for row in rows])
        table, lines, content = table.filter(pa.array(filled)), lines[filled], b"\n".join(filter(None, rows))
    return Block(_without_empty(table), lines, content)


def _without_empty(table: pa.Table) -> pa.Table:
    """Return a block without the columns that have neither a name nor a value, as a spreadsheet writes them at the end of lines."""
    empty = [name for number, name in enumerate(table.column_names, 1) if name == UNNAMED.format(number)]
    return table.drop_columns([name for name in empty if table[name].null_count == table.num_rows])


def _fitted(fields: list[str] | None, header: list[str]) -> list[str] | None:
    """Return a line's fields without empty ones beyond the header; columns at its end that have no name may be left out."""
    if fields is None or len(fields) == len(header):
        return fields
    if not any(fields[len(header) :]) and len(fields) > len(header):
        return fields[: len(header)]
    lacking = range(len(fields) + 1, len(header) + 1)
    if lacking and all(header[number - 1] == UNNAMED.format(number) for number in lacking):
        return fields + [""] * len(lacking)
    return fields


def _slow(content: bytes, header: list[str], delimiter: str, first_line: int, ends: bool) -> tuple[Block, bytes]:
    """Return the block read record by record, and what of it belongs to the next block unless the text `ends`.

    A record that cannot be read becomes a refusal.
    """
    lines = content.decode(errors="surrogateescape").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    kept: list[list[str | None]] = []
    starts: list[int] = []
    texts: list[str] = []
    refusals: list[Refusal] = []
    done = len(lines)
    for start, record, found in _records(lines, delimiter, len(header), ends):
        if record is None:
            done = start
            break
        fields = _fitted(found, header)
        if not record.strip():
            continue
        where = first_line + start
        refusal = _refusal(where, record, fields, len(header))
        if refusal is not None:
            refusals.append(refusal)
        elif fields is not None:
            kept.append([value or None for value in fields])
            starts.append(where)
            texts.append(shown(record))
    columns = zip(*kept, strict=True) if kept else [[] for _ in header]
    table = pa.table({name: pa.array(values, pa.string()) for name, values in zip(header, columns, strict=True)})
    rest = "\n".join(lines[done:]).encode(errors="surrogateescape")
    carry = rest + b"\n" if rest and content.endswith(b"\n") else rest
    return Block(_without_empty(table), np.array(starts, dtype=np.int64), texts, refusals), carry


def _refusal(line: int, record: str, fields: list[str] | None, width: int) -> Refusal | None:
    if len(record) > blocks.MAX_RECORD_BYTES:
        return too_long(line, record)
    if not record.isascii() and any("\udc80" <= character <= "\udcff" for character in record):
        return Refusal(line, "encoding", "the line is no UTF-8", shown(record))
    if "\0" in record:
        return Refusal(line, "nul_byte", "the line holds a NUL byte, which a database cannot keep", shown(record))
    if fields is None:
        return Refusal(line, "unreadable", "a quote is opened and not closed, or a CR stands alone", shown(record))
    if len(fields) != width:
        words = f"the line has {len(fields)} columns, the header {width}"
        return Refusal(line, "column_count", words, shown(record))
    return None


def _records(lines: list[str], delimiter: str, width: int, ends: bool) -> Iterator[Record]:
    """Yield each record, joining lines inside a quoted field.

    An open quote that no later line closes to a record of the right width is a stray one: its line is a record alone, so that it
    takes no good line with it.
    """
    index = 0
    while index < len(lines):
        text, after = lines[index].removesuffix("\r"), index + 1
        fields = None if len(text) > blocks.MAX_RECORD_BYTES else _fields(text, delimiter)
        if fields is None and text.count('"') % 2:
            end = _closing(lines, index)
            if end is None and not ends:
                yield index, None, None
                return
            if end:
                joined = "\n".join(lines[index:end]).removesuffix("\r")
                joined_fields = _fields(joined, delimiter)
                if joined_fields is not None and len(joined_fields) == width:
                    text, fields, after = joined, joined_fields, end
        yield index, text, fields
        index = after


def _closing(lines: list[str], start: int) -> int | None:
    """Return the index after the line that closes an open quote; 0: the record would be too long; None: no such line yet."""
    size = quotes = 0
    for index in range(start, len(lines)):
        size += len(lines[index]) + 1
        quotes += lines[index].count('"')
        if size > blocks.MAX_RECORD_BYTES:
            return 0
        if index > start and quotes % 2 == 0:
            return index + 1
    return None


def _fields(record: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader([record], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None
