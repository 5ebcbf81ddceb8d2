"""What every format is read into: blocks of text columns, each row with its line, bad lines refused alone."""

import gzip
import io
import zlib
from collections.abc import Callable, Collection, Iterator
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
SPACES = " \t\n\v\f\r\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
INVISIBLE = (
    "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
HIDDEN = f"[{SPACES[6:]}{INVISIBLE}]"
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


def untidy(table: pa.Table, ids: Collection[str] = (), numbers: Collection[str] = (), plain: str = "") -> list[str]:
    """Return the columns in which a value may not be what it stands for as it is written; to look costs a fifth of mending.

    That is: a value is empty or has spaces or invisible characters around it (of any column), may be no id, rounded or end in `.0`
    (of `ids`), or holds another character than those of `plain` or a minus at its end (of `numbers`).
    """
    odd = np.ones(256, dtype=bool)
    odd[np.frombuffer(plain.encode(), np.uint8)] = False
    return [
        name
        for name, values in zip(table.column_names, table.columns, strict=True)
        if any(
            _rough(chunk, name in ids) or (name in numbers and _odd(chunk, odd))
            for chunk in values.chunks
            if len(chunk)
        )
    ]


def characters(values: pa.Array) -> np.ndarray:
    """Return the bytes of a column's texts, one after the other."""
    buffer = values.buffers()[2]
    if buffer is None:
        return np.empty(0, np.uint8)
    ends = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    return np.frombuffer(buffer, np.uint8)[ends[0] : ends[-1]]


# First bytes, in UTF-8, of spaces and invisible characters beyond ASCII; a letter with an accent has others.
_HIDDEN = np.isin(np.arange(256), [0xC2, 0xE1, 0xE2, 0xE3, 0xEF])
_MAY_BE_NONE = np.isin(np.arange(256), list(b"(<[{#?-./\\'\"+0nuamgvbef" + b"NUAMGVBEF" + b"diDI"))
_TEMPLATES = np.isin(np.arange(256), list(b"{%$"))
_TEMPLATE_ENDS = np.isin(np.arange(256), list(b"}%"))
_POINTS = np.isin(np.arange(256), list(b".,"))
_EXPONENTS = np.isin(np.arange(256), list(b"eE"))
_DIGITS = np.isin(np.arange(256), list(b"0123456789"))
_ZERO_ENDS = np.isin(np.arange(256), list(b"0-})"))
_LONGEST_NONE = 20  # of what is no id and no zeros


def _rough(values: pa.Array, is_id: bool) -> bool:
    data = characters(values)
    if not len(data):
        return bool(values.null_count < len(values))
    ends = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    lengths = np.diff(ends)
    if values.null_count:
        lengths = lengths[values.is_valid().to_numpy(zero_copy_only=False)]
    if not lengths.all():
        return True
    ends = np.concatenate(([0], np.cumsum(lengths)))  # a missing value has no characters
    firsts, lasts = data[ends[:-1]], data[ends[1:] - 1]
    if firsts.min() <= 0x20 or lasts.min() <= 0x20:
        return True
    if data.max() >= 0x80 and _HIDDEN[data].any() and pc.any(pc.match_substring_regex(values, HIDDEN)).as_py():
        return True
    return is_id and _may_be_no_id(data, firsts, lasts, lengths)


def _odd(values: pa.Array, odd: np.ndarray) -> bool:
    return bool(odd[characters(values)].any()) or bool(pc.any(pc.ends_with(values, "-")).as_py())


def _may_be_no_id(data: np.ndarray, firsts: np.ndarray, lasts: np.ndarray, lengths: np.ndarray) -> bool:
    listed = _MAY_BE_NONE[firsts] & (lengths <= _LONGEST_NONE) & (firsts != ord("0"))
    zeros = _MAY_BE_NONE[firsts] & _ZERO_ENDS[lasts]
    pointed = bool(_POINTS[data].any())
    whole = pointed and bool((lasts == ord("0")).any())
    rounded = pointed and bool(_EXPONENTS[data].any()) and bool((_DIGITS[firsts] & _DIGITS[lasts]).any())
    templates = _TEMPLATES[firsts] & _TEMPLATE_ENDS[lasts]
    marked = ((firsts == ord("=")) & (lasts == ord('"'))) | (firsts == ord("'"))
    return bool((listed | zeros | templates | marked).any()) or whole or rounded or bool((data == ord("+")).any())


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
