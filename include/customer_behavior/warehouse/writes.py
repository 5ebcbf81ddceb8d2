"""Writing: COPY, partitions, locks, and the audit row that every replaced slice leaves."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Sequence
from datetime import date
from typing import IO, TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def copy_text(connection: Connection, table: str, columns: list[str], lines: IO) -> int:
    """COPY CSV lines (no header, empty unquoted field = NULL) into a table; return the rows written."""
    cursor = connection.connection.cursor()
    cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN WITH (FORMAT csv)", lines, size=1 << 20)
    return cursor.rowcount


def copy_frame(connection: Connection, table: str, frame: pd.DataFrame) -> int:
    """COPY a frame into the columns of the same names; missing values become NULL; return the rows written."""
    buffer = io.StringIO()
    frame.to_csv(buffer, header=False, index=False, na_rep="", date_format="%Y-%m-%d %H:%M:%S.%f%z")
    buffer.seek(0)
    return copy_text(connection, table, list(frame.columns), buffer)


def copy_arrow(connection: Connection, table: str, columns: Sequence[str], rows: pa.RecordBatchReader) -> int:
    """COPY record batches, whose columns are in the order of `columns`, as they are made; return the rows written.

    The text is made in a thread while the server takes it in, so neither waits for the other and nothing piles up.
    """
    import pyarrow as pa
    from pyarrow import csv

    # A stamp's zone is left out, as the session's is UTC: with it, writing the text takes longer than all other columns.
    schema = pa.schema(
        [pa.field(one.name, pa.timestamp("us")) if pa.types.is_timestamp(one.type) else one for one in rows.schema]
    )
    reading, writing = os.pipe()
    failures: list[BaseException] = []

    def write() -> None:
        try:
            with os.fdopen(writing, "wb") as file:
                options = csv.WriteOptions(include_header=False)
                with csv.CSVWriter(file, schema, write_options=options) as writer:
                    for batch in rows:
                        writer.write_batch(batch.cast(schema))
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=write, name=f"copy {table}", daemon=True)
    thread.start()
    try:
        with os.fdopen(reading, "rb") as file:
            written = copy_text(connection, table, list(columns), file)
    finally:
        thread.join()
        if failures and not isinstance(failures[0], BrokenPipeError):
            raise failures[0]
    return written


def ensure_partitions(connection: Connection, table: str, first: date, last: date, unit: str = "day") -> None:
    """Make the partitions of `table` for the days `first` to `last`, both included; `unit` is "day" or "month"."""
    connection.execute(
        sa.text("SELECT raw.ensure_partitions(cast(:parent AS regclass), :first, :last, :unit)"),
        {"parent": table, "first": first, "last": last, "unit": unit},
    )


def lock(connection: Connection, name: str) -> None:
    """Wait for the platform-wide lock `name` and hold it until the transaction ends: a backfill ignores a DAG's own limits."""
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def audit(connection: Connection, table: str, piece: str, deleted: int, written: int, run_id: str | None) -> None:
    """Leave a row in monitoring.write_audit: `piece` names the slice replaced, for example `2017-12-25 purchase/7`."""
    connection.execute(
        sa.text(
            "INSERT INTO monitoring.write_audit (table_name, slice, rows_deleted, rows_written, run_id)"
            " VALUES (:table, :piece, :deleted, :written, :run_id)"
        ),
        {"table": table, "piece": piece, "deleted": deleted, "written": written, "run_id": run_id},
    )
