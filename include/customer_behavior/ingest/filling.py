"""Filling down: columns that only the first of the rows that belong together carries, as an order's in a shop's export."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_behavior.ingest.blocks import INVISIBLE, SPACES, Block
from customer_behavior.ingest.source import FillDown


def filled_down(blocks: Iterator[Block], fill_down: FillDown) -> Iterator[Block]:
    """Yield the blocks of one file, empty values of the columns replaced by the last one given in their run.

    A run is rows after each other with one value of `by`, in one block or several; a row without such a value is alone. Refused
    lines are no rows: when an order's first line is refused, the rest of the order has nothing to be filled with.
    """
    last: pa.Table | None = None  # the file's last row so far, filled
    for block in blocks:
        there = set(block.table.column_names)
        names = [name for name in fill_down.columns if name in there]
        if fill_down.by not in there or not block.table.num_rows:
            yield block
            continue
        rows = block.table.select([fill_down.by, *names])
        rows = _filled(rows if last is None else pa.concat_tables([last, rows]), fill_down.by)
        last, rows = rows.slice(rows.num_rows - 1), rows.slice(0 if last is None else 1)
        table = block.table
        for name in names:
            table = table.set_column(table.column_names.index(name), name, rows[name])
        yield replace(block, table=table)


def _filled(rows: pa.Table, by: str) -> pa.Table:
    """Return rows in which each value is the last one given up to it in its run of `by`."""
    key = _given(rows[by])
    number = np.arange(len(key))
    begins = np.ones(len(key), dtype=bool)
    begins[1:] = ~pc.equal(key[1:], key[:-1]).fill_null(False).to_numpy(zero_copy_only=False)
    first = np.maximum.accumulate(np.where(begins, number, 0))
    columns = {by: rows[by]}
    for name in rows.column_names[1:]:
        values = _given(rows[name])
        given = values.is_valid().to_numpy(zero_copy_only=False)
        latest = np.maximum.accumulate(np.where(given, number, -1))
        columns[name] = values.take(pa.array(np.where(latest >= first, latest, number)))
    return pa.table(columns)


def _given(values: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array without the spaces around its values; empty is missing."""
    trimmed = pc.utf8_trim(values.combine_chunks(), SPACES + INVISIBLE)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
