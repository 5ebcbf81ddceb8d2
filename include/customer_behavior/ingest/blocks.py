"""What every format is read into: blocks of text columns, each row with its line, bad lines refused alone."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_behavior.errors import BadInputError

BLOCK_BYTES = 32 << 20
MAX_RECORD_BYTES = 1 << 20  # a longer line is refused, so that one without end cannot fill the memory
READ_AHEAD = 16 << 20  # what is fetched from an object store at once
SHOWN = 10_000  # characters of a refused line that are kept


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
    content : bytes, list of str, or a function that returns one
        What `text` is made from, only when asked for.
    refusals : list of Refusal
        Records that could not be read.
    items : ndarray of int64, shape (rows,), or None
        Which item of its line each row is, from 1, where the items of a list are rows of their own.
    """

    table: pa.Table
    lines: np.ndarray
    content: bytes | list[str] | Callable[[], list[str]]
    refusals: list[Refusal] = field(default_factory=list)
    items: np.ndarray | None = None

    @property
    def text(self) -> list[str]:
        """The block's records as they stood in the file, aligned with `lines`."""
        if isinstance(self.content, bytes):
            return [line.decode(errors="replace") for line in self.content.split(b"\n")]
        return self.content() if callable(self.content) else self.content


def untidy(table: pa.Table) -> list[str]:
    """Return the columns in which a value is empty or has spaces around it; to look costs a fifth of trimming each."""
    return [
        name
        for name, values in zip(table.column_names, table.columns, strict=True)
        if any(pc.any(test).as_py() for test in _edges(values))
    ]


def _edges(values: pa.ChunkedArray) -> Iterator[pa.ChunkedArray]:
    yield pc.starts_with(values, " ")
    yield pc.ends_with(values, " ")
    yield pc.equal(values, "")


def shown(text: str | bytes) -> str:
    """Return a line as it can be kept: cut, without what a database refuses."""
    if isinstance(text, str):
        text = text[:SHOWN].encode(errors="surrogateescape")
    return text[: 4 * SHOWN].decode(errors="replace")[:SHOWN].replace("\0", "\ufffd")


def too_long(line: int, text: str | bytes) -> Refusal:
    """Return the refusal of a line over the limit."""
    return Refusal(line, "too_long", f"the line is longer than {MAX_RECORD_BYTES:,} bytes", shown(text))


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading, in a folder or an object store; of an object, `READ_AHEAD` bytes at a time are held."""
    if isinstance(path, Path):
        return path.open("rb")
    return io.BufferedReader(path.open("rb", buffering=READ_AHEAD))


def may_pass(path: Path, error: OSError) -> bool:
    """Return whether a store or the way to it failed, not the file: then another try may go well."""
    refused = isinstance(error, FileNotFoundError | PermissionError)
    return error.errno is not None and not refused and not isinstance(path, Path)


@contextmanager
def open_text(path: Path) -> Iterator[BinaryIO | gzip.GzipFile]:
    """Open a text file, gzipped if its name ends in .gz.

    Raises
    ------
    BadInputError
        When its compression turns out to be broken, or it cannot be opened; the message names the file.
    OSError
        When an object store fails on the way; another try may go well.
    """
    try:
        with open_bytes(path) as plain:
            if path.suffix == ".gz":
                with gzip.GzipFile(fileobj=plain, mode="rb") as file:
                    yield file
            else:
                yield plain
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInputError(f"{path}: the gzip stream is broken ({error}); deliver the file again") from error
    except OSError as error:
        if may_pass(path, error):
            raise
        raise BadInputError(f"{path}: cannot be read ({error})") from error


def text_blocks(file: BinaryIO | gzip.GzipFile, first_line: int) -> Iterator[tuple[bytes, int, list[Refusal]]]:
    """Yield (whole lines, number of the first of them, refusal of an overlong line after them) in bounded memory."""
    line = first_line
    while content := file.read(BLOCK_BYTES):
        if not content.endswith(b"\n"):
            content += file.readline(MAX_RECORD_BYTES)
        tail = content.rfind(b"\n") + 1
        refusals = []
        if len(content) - tail >= MAX_RECORD_BYTES:
            refusals = [too_long(line + content.count(b"\n"), content[tail : tail + 4 * SHOWN])]
            content = content[:tail]
            while (more := file.readline(MAX_RECORD_BYTES)) and not more.endswith(b"\n"):
                pass
        following = line + content.count(b"\n") + len(refusals)
        yield content, line, refusals  # the reader adds refusals of its own to the list
        line = following


def has_long_line(content: bytes) -> bool:
    """Return whether a line of the block may be longer than the limit: none is when each half limit holds a line's end."""
    half = MAX_RECORD_BYTES // 2
    return any(content.find(b"\n", start, start + half) < 0 for start in range(0, len(content) - half, half))
