"""The first rows of a file that no source describes yet: its format, delimiter, encoding, header and columns as text."""

import csv
import gzip
import json
import zlib
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from customer_behavior.errors import BadInputError
from customer_behavior.ingest.drafting.numbers import is_number
from customer_behavior.ingest.drafting.times import times_of
from customer_behavior.ingest.jsonl import as_text, value_at

SAMPLE_ROWS = 5_000
SAMPLE_BYTES = 8 << 20
DELIMITERS = "\t;|,"
MAX_COLUMNS = 300
BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass
class Sample:
    """Some first rows.

    Attributes
    ----------
    frame : DataFrame
        A column of trimmed text or None for each column of the file.
    form, delimiter : str
        As a source names them.
    headerless : bool
        Whether the first line looks like data; the columns are then called column_1, column_2 …
    explode : str or None
        The list whose items are the rows of `frame`.
    remedies : list of str
        What has to be done to the file before it can be loaded.
    notes : list of str
        What else a person should know.
    """

    frame: pd.DataFrame
    form: str
    delimiter: str = ","
    headerless: bool = False
    explode: str | None = None
    remedies: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_sample(path: Path) -> Sample:
    """Return the first rows of a file.

    Raises
    ------
    BadInputError
        When the file is of no kind that can be read, or is empty; the message says what to deliver.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        return _parquet(path)
    if start[:2] == b"PK":
        raise BadInputError(
            f"{path}: an Excel workbook or a zip; save the sheet as CSV UTF-8, or unpack it, and deliver that"
        )
    zipped = start[:2] == b"\x1f\x8b"
    try:
        with gzip.open(path) if zipped else path.open("rb") as file:
            content = file.read(SAMPLE_BYTES)
            whole = not file.read(1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInputError(f"{path}: the gzip stream is broken ({error}); deliver the file again") from error
    remedies = []
    if zipped and path.suffix != ".gz":
        remedies.append(f"the file is gzipped and its name does not say so: rename it to {path.name}.gz")
    text, encoding = _decoded(content, whole)
    if encoding:
        fixed = f"iconv -f {encoding} -t UTF-8 {path.name.removesuffix('.gz')} > utf8.csv"
        unpacked = "gunzip it first; " if zipped else ""
        remedies.append(
            f"the file is {encoding}, no UTF-8: {unpacked}have it exported as UTF-8, or convert it: {fixed}"
        )
    if not whole:
        text = text[: text.rfind("\n") + 1]
    if not text.strip():
        raise BadInputError(f"{path}: the file is empty")
    first = text.lstrip()[:1]
    sample = _json(path, text, first) if first in "{[" else _delimited(path, text)
    sample.remedies = [*remedies, *sample.remedies]
    return sample


def _decoded(content: bytes, whole: bool) -> tuple[str, str | None]:
    """Return text, and the encoding if it is none that loads."""
    if content[:2] in BOMS:
        return content[: len(content) // 2 * 2].decode("utf-16", errors="replace"), "UTF-16"
    if content[1:200:2].count(0) > len(content[1:200:2]) / 2:
        return content[: len(content) // 2 * 2].decode("utf-16-le", errors="replace"), "UTF-16LE"
    end = len(content) if whole else content.rfind(b"\n") + 1
    try:
        return content[:end].decode("utf-8-sig"), None
    except UnicodeDecodeError:
        windows = any(0x80 <= one <= 0x9F for one in content[:end])
        kind = "CP1252" if windows else "ISO-8859-1"
        return content[:end].decode("cp1252" if windows else "latin-1", errors="replace"), kind


def _delimited(path: Path, text: str) -> Sample:
    text = text.replace("\r\n", "\n")
    remedies = []
    if "\r" in text and "\n" not in text:
        remedies.append("lines end in a lone CR: have the file written with LF or CRLF")
        text = text.replace("\r", "\n")
    lines = text.split("\n")
    delimiter = _delimiter(lines[:50])
    rows = [row for row in islice(csv.reader(lines, delimiter=delimiter), SAMPLE_ROWS + 1) if any(row)]
    width = Counter(map(len, rows)).most_common(1)[0][0]
    if width > MAX_COLUMNS:
        raise BadInputError(
            f"{path}: {width:,} columns; a source reads a row for each event, this looks like a table of another kind"
        )
    first, body = rows[0], [row for row in rows[1:] if len(row) == width]
    headerless = len(first) == width and _is_data(first, body)
    body = [first, *body] if headerless else body
    names = [f"column_{n}" for n in range(1, width + 1)] if headerless else [name.strip() for name in first]
    if len(names) != width:
        remedies.append(
            f"the first line has {len(names)} columns, most others {width}: correct it, it must name the columns"
        )
        names = [f"column_{n}" for n in range(1, width + 1)]
    if len(set(names)) < len(names):
        remedies.append("a column name stands twice in the first line: give each column a name of its own")
        names = [name if names.index(name) == n else f"{name}_{n + 1}" for n, name in enumerate(names)]
    frame = pd.DataFrame([[value.strip() or None for value in row] for row in body], columns=names, dtype=object)
    return Sample(frame, "csv", delimiter, headerless, remedies=remedies)


def _delimiter(lines: list[str]) -> str:
    """Return the character that divides most lines into equally many fields, the more fields the better."""

    def fit(one: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=one) if row)
        width, times = widths.most_common(1)[0]
        return (times / sum(widths.values()), width) if width > 1 else (0.0, 0)

    best = max(fit(one)[0] for one in DELIMITERS)
    if not best:
        return ","
    near = [one for one in DELIMITERS if fit(one)[0] >= best - 0.05]
    return max(near, key=lambda one: fit(one)[1]) if "\t" not in near else "\t"


def _is_data(first: list[str], body: list[list[str]]) -> bool:
    """Return whether the first line is a row like the others: it holds numbers or times, or values that come again below."""
    cells = [cell.strip() for cell in first]
    if any(is_number(cell) or times_of([cell]) for cell in cells if cell):
        return True
    again = sum(any(row[n].strip() == cell for row in body) for n, cell in enumerate(cells) if cell)
    return bool(body) and again > len(cells) / 2


def _json(path: Path, text: str, first: str) -> Sample:
    if first == "[":
        raise BadInputError(f"{path}: a JSON array; write an object a line: jq -c '.[]' {path.name} > lines.jsonl")
    records: list[dict] = []
    lines = [line for line in text.split("\n") if line.strip()]
    for line in islice(lines, SAMPLE_ROWS):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            records.append(record)
    if len(records) < len(lines[:SAMPLE_ROWS]) / 2:
        raise BadInputError(
            f"{path}: most lines are no JSON object; write an object a line: jq -c . {path.name} > lines.jsonl"
        )
    return _nested(records, "jsonl")


def _parquet(path: Path) -> Sample:
    try:
        with path.open("rb") as opened, pq.ParquetFile(opened) as file:
            batch = next(file.iter_batches(SAMPLE_ROWS), None)
    except (pa.ArrowException, OSError) as error:
        raise BadInputError(f"{path}: not read as Parquet ({str(error)[:300]}); deliver the file again") from error
    if batch is None:
        raise BadInputError(f"{path}: the file is empty")
    return _nested(batch.to_pylist(), "parquet")


def _nested(records: list[dict], form: str) -> Sample:
    lists = Counter(name for record in records for name, value in record.items() if _has_items(value))
    explode = lists.most_common(1)[0][0] if lists else None
    notes = []
    if len(lists) > 1:
        notes.append(f"lists of objects: {', '.join(lists)}; only the items of {explode} become rows")
    deep = {name for record in records for name in _deep_lists(record)}
    if deep:
        notes.append(
            f"items lie deeper, in {', '.join(sorted(deep))}: explode reads a list at the top of a record only"
        )
    rows = []
    for record in records:
        items = record.get(explode) if explode else None
        rows += [{**record, explode: item} for item in items] if isinstance(items, list) and items else [record]
    rows = rows[:SAMPLE_ROWS]
    names = list(dict.fromkeys(name for row in rows for name in column_names(row) if name != explode))[:MAX_COLUMNS]
    frame = pd.DataFrame({name: [_text(value_at(row, name)) for row in rows] for name in names}, dtype=object)
    return Sample(frame.dropna(axis="columns", how="all"), form, explode=explode, notes=notes)


def _text(value: Any) -> str | None:
    text = as_text(value)
    return text.strip() or None if text else None


def _has_items(value: Any) -> bool:
    """Return whether a value is a list of objects, other than one of keys and values."""
    return isinstance(value, list) and any(isinstance(one, dict) and "key" not in one for one in value)


def _deep_lists(record: dict) -> list[str]:
    inner = [
        (f"{key}.{name}", value) for key, one in record.items() if isinstance(one, dict) for name, value in one.items()
    ]
    return [name for name, value in inner if _has_items(value)]


def column_names(value: Any, before: str = "") -> list[str]:
    """Return the columns that a record has, nested ones with dots, and the keys of lists of keys and values.

    >>> column_names({"user": {"id": 7}, "params": [{"key": "page", "value": {"int_value": 3}}]})
    ['user.id', 'params.page']
    """
    if isinstance(value, dict) and before.count(".") < 4:
        return [name for key, inner in value.items() for name in column_names(inner, f"{before}{key}.")]
    if isinstance(value, list) and value and all(isinstance(one, dict) and "key" in one for one in value):
        return [f"{before}{one['key']}" for one in value]
    return [before[:-1]] if before else []
