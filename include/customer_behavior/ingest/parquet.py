"""Reading Parquet in batches of rows: every column as text, so that one mapping serves all formats."""

import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from customer_behavior.errors import BadInputError
from customer_behavior.ingest.blocks import Block, Refusal, may_pass, open_bytes, shown
from customer_behavior.ingest.jsonl import as_text, value_at

BATCH_ROWS = 65_536


def read_parquet(
    path: Path, wanted: Sequence[str], explode: str | None = None, commas: Collection[str] = ()
) -> Iterator[Block]:
    """Yield the blocks of a Parquet file: those of the `wanted` columns that it has; a row's number is its line.

    Each item of the list that `explode` names becomes a row, in which the list is that item; a row without items stays one.
    `commas` are columns whose texts have a decimal comma: their numbers, which have none, are given one too.

    Raises
    ------
    BadInputError
        When the file is cut short or no Parquet, or the column to explode holds no lists; the message names it.
    """
    try:
        with open_bytes(path) as opened, pq.ParquetFile(opened) as file:
            names = file.schema_arrow.names
            if len(set(names)) < len(names):
                raise BadInputError(f"{path}: a column name stands twice: {', '.join(names)}")
            tops = [name for name in names if any(name in (column, column.split(".")[0]) for column in wanted)]
            first = 1
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=tops):
                lines = np.arange(first, first + batch.num_rows)
                if explode and explode in tops:
                    rows, parents, items = _exploded(batch, explode, path)
                    yield _block(rows, names, wanted, lines[parents], commas, items)
                else:
                    yield _block(batch, names, wanted, lines, commas)
                first += batch.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and may_pass(path, error):
            raise
        raise BadInputError(f"{path}: not read as Parquet ({str(error)[:300]}); deliver the file again") from error


def _exploded(batch: pa.RecordBatch, name: str, path: Path) -> tuple[pa.RecordBatch, np.ndarray, np.ndarray]:
    """Return a row for each item of a column's lists, the row of the batch that each is of, and which item it is, from 1."""
    lists = batch.column(name)
    if not (pa.types.is_list(lists.type) or pa.types.is_large_list(lists.type)):
        raise BadInputError(f"{path}: explode names {name!r}, which holds no lists but {lists.type}; remove explode")
    lengths = pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False)
    rows = np.maximum(lengths, 1)
    parents = np.repeat(np.arange(len(lists)), rows)
    nth = np.arange(len(parents)) - np.repeat(np.cumsum(rows) - rows, rows)
    place = np.repeat(np.cumsum(lengths) - lengths, rows) + nth
    items = pc.list_flatten(lists).take(pa.array(place, mask=np.repeat(lengths == 0, rows)))
    columns = [items if one == name else batch.column(one).take(pa.array(parents)) for one in batch.schema.names]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names), parents, nth + 1


def _block(
    batch: pa.RecordBatch,
    names: list[str],
    wanted: Sequence[str],
    lines: np.ndarray,
    commas: Collection[str],
    items: np.ndarray | None = None,
) -> Block:
    columns: dict[str, pa.Array] = {}
    bad: dict[int, tuple[str, str]] = {}
    for name in wanted:
        sign = "," if name in commas else "."
        if name in names:
            columns[name] = _text(batch.column(name), name, bad, sign)
        elif (top := name.split(".")[0]) in names:
            path = name.partition(".")[2]
            values = [as_text(value_at(_plain(one), path), sign) for one in batch.column(top).to_pylist()]
            columns[name] = _checked(pa.array(values, pa.string()), name, bad)
    table = pa.table(columns) if columns else pa.table({})

    def text() -> list[str]:
        rows = zip(*(table.column(name).to_pylist() for name in columns), strict=True)
        return [shown(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False)) for row in rows]

    if not bad:
        return Block(table, lines, text, items=items)
    keep = np.array([row not in bad for row in range(batch.num_rows)])
    texts = text()
    refusals = [Refusal(int(lines[row]), reason, words, texts[row]) for row, (reason, words) in sorted(bad.items())]
    kept = [one for one, good in zip(texts, keep, strict=True) if good]
    return Block(table.filter(pa.array(keep)), lines[keep], kept, refusals, None if items is None else items[keep])


def _plain(value: object) -> object:
    """Return a nested value as JSON has it; pyarrow gives maps as lists of pairs."""
    if isinstance(value, list) and value and all(isinstance(one, tuple) and len(one) == 2 for one in value):
        return dict(value)
    return value


def _text(array: pa.Array, name: str, bad: dict[int, tuple[str, str]], sign: str) -> pa.Array:
    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    if pa.types.is_nested(kind):
        return _checked(pa.array([as_text(_plain(one)) for one in array.to_pylist()], pa.string()), name, bad)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
        return _checked(_decoded(array.cast(pa.binary()), name, bad), name, bad)
    try:
        texts = array.cast(pa.string())
    except pa.ArrowException:
        texts = pa.array([None if one is None else str(one) for one in array.to_pylist()], pa.string())
    return texts if sign == "." else pc.replace_substring(texts, ".", sign)


def _decoded(array: pa.Array, name: str, bad: dict[int, tuple[str, str]]) -> pa.Array:
    """Return bytes as text; Parquet does not promise that its strings are UTF-8."""
    try:
        return array.cast(pa.string())
    except pa.ArrowInvalid:
        values: list[str | None] = []
        for row, one in enumerate(array.to_pylist()):
            try:
                values.append(None if one is None else one.decode())
            except UnicodeDecodeError:
                bad[row] = ("encoding", f"{name} is no UTF-8")
                values.append(one.decode(errors="replace"))
        return pa.array(values, pa.string())


def _checked(array: pa.Array, name: str, bad: dict[int, tuple[str, str]]) -> pa.Array:
    holds = pc.match_substring(array, "\0")
    if pc.any(holds).as_py():
        for row in np.flatnonzero(holds.fill_null(False).to_numpy(zero_copy_only=False)):
            bad[int(row)] = ("nul_byte", f"{name} holds a NUL, which a database cannot keep")
        array = pc.replace_substring(array, "\0", "\ufffd")
    return array
