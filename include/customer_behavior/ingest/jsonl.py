"""Reading JSON Lines: one object a line, gzipped or not, in bounded memory; a bad line is refused alone."""

import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from customer_behavior.ingest.blocks import MAX_RECORD_BYTES, Block, Refusal, open_text, shown, text_blocks, too_long


def read_jsonl(
    path: Path, wanted: Sequence[str], explode: str | None = None, commas: Collection[str] = ()
) -> Iterator[Block]:
    """Yield the blocks of a JSON Lines file: those of the `wanted` columns that any of a block's records has.

    Each item of the list that `explode` names becomes a row, in which the list is that item; a record without items stays a row.
    `commas` are columns whose texts have a decimal comma: their numbers, which have a point in JSON, are given one too.

    Raises
    ------
    BadInputError
        When the file's compression is broken; the message names the file.
    """
    with open_text(path) as file:
        for content, first_line, refusals in text_blocks(file, 1):
            yield _block(content, wanted, explode, first_line, refusals, commas)


def _block(
    content: bytes,
    wanted: Sequence[str],
    explode: str | None,
    first_line: int,
    refusals: list[Refusal],
    commas: Collection[str],
) -> Block:
    signs = [(column, "," if column in commas else ".") for column in wanted]
    rows: list[list[str | None]] = []
    lines: list[int] = []
    items: list[int] = []
    texts: list[bytes] = []
    found: set[str] = set()
    for number, line in enumerate(content.split(b"\n"), first_line):
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if not line.strip():
            continue
        record = _record(number, line)
        if isinstance(record, Refusal):
            refusals.append(record)
            continue
        ones = _exploded(record, explode) if explode else (record,)
        delivered = [[as_text(value_at(one, column), sign) for column, sign in signs] for one in ones]
        bad = next(filter(None, (_unkeepable(number, line, row) for row in delivered)), None)
        if bad:
            refusals.append(bad)
            continue
        for row in delivered:
            found.update(
                column for column, value in zip(wanted, row, strict=True) if value is not None or column in record
            )
        rows += delivered
        lines += [number] * len(delivered)
        items += range(1, len(delivered) + 1)
        texts += [line] * len(delivered)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(wanted)
    arrays = {name: pa.array(values, pa.string()) for name, values in zip(wanted, columns, strict=True)}
    # Records with none of the columns are records still: a selection, unlike a table made of nothing, keeps their number.
    table = pa.table(arrays).select([name for name in wanted if name in found or not rows])
    return Block(
        table,
        np.array(lines, dtype=np.int64),
        lambda: _shown(texts),
        refusals,
        np.array(items, dtype=np.int64) if explode else None,
    )


def _exploded(record: dict, name: str) -> Iterator[dict]:
    """Yield a record for each item of a list in it, the list being that item; the record itself without a list."""
    items = record.get(name)
    for item in items or [None] if isinstance(items, list) else [items]:
        yield {**record, name: item}


def _shown(texts: list[bytes]) -> list[str]:
    """Return lines as they can be kept; rows of one line share its text, as there may be very many of them."""
    known = {id(text): text for text in texts}
    kept = {key: shown(text) for key, text in known.items()}
    return [kept[id(text)] for text in texts]


def _record(number: int, line: bytes) -> dict | Refusal:
    if len(line) > MAX_RECORD_BYTES:
        return too_long(number, line)
    try:
        record = json.loads(line.decode())
    except UnicodeDecodeError:
        return Refusal(number, "encoding", "the line is no UTF-8", shown(line))
    except (ValueError, RecursionError) as error:
        return Refusal(number, "json_unreadable", f"not read as JSON: {error}"[:300], shown(line))
    if not isinstance(record, dict):
        return Refusal(number, "json_unreadable", "the line is no JSON object", shown(line))
    return record


def _unkeepable(number: int, line: bytes, row: list[str | None]) -> Refusal | None:
    for value in row:
        if value is None or (value.isascii() and "\0" not in value):
            continue
        if "\0" in value:
            return Refusal(number, "nul_byte", "a value holds a NUL, which a database cannot keep", shown(line))
        try:
            value.encode()
        except UnicodeEncodeError:
            return Refusal(number, "encoding", "a value holds half a character (a lone surrogate)", shown(line))
    return None


def value_at(record: Any, column: str) -> Any:
    """Return the value under a column's name, or under its parts between dots; None when there is none.

    In a list a number counts its items from 0, and another name finds the item whose `key` it is (as in GA4's `event_params`).

    >>> value_at({"user": {"id": 7}, "items": [{"id": "a"}]}, "items.0.id")
    'a'
    >>> value_at({"params": [{"key": "page", "value": {"int_value": 3, "string_value": None}}]}, "params.page")
    3
    """
    if isinstance(record, dict) and column in record:
        return record[column]
    value = record
    for part in column.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list):
            value = _item(value, part)
        else:
            return None
    return value


def _item(values: list, part: str) -> Any:
    if part.isdecimal():
        return values[int(part)] if int(part) < len(values) else None
    for one in values:
        if isinstance(one, dict) and one.get("key") == part:
            value = one.get("value")
            return next((v for v in value.values() if v is not None), None) if isinstance(value, dict) else value
    return None


def as_text(value: Any, decimal: str = ".") -> str | None:
    """Return a value as a column's text, a number with the decimal sign; an empty text is missing, objects and lists stay JSON.

    >>> as_text(1.299), as_text(1.299, ","), as_text("1.299", ",")
    ('1.299', '1,299', '1.299')
    """
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool | dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return (json.dumps(value) if isinstance(value, int | float) else str(value)).replace(".", decimal)
