"""COPY: streams of record batches in PostgreSQL's binary format, which need no parsing; frames, which are small, as CSV."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PIPE_BYTES = 1 << 20
BATCH_ROWS = 16_384  # a reader should make batches of at most this size: two are in memory at a time


def copy_arrow(connection: Connection, table: str, columns: Sequence[str], rows: pa.RecordBatchReader) -> int:
    """COPY record batches, whose columns are in the order of `columns`, as they are made; return the rows written.

    Values are cast to the types of the table's columns. The bytes are made in a thread while the server takes them in, so neither
    waits for the other and nothing piles up.

    Raises
    ------
    pyarrow.ArrowInvalid
        When a value does not fit the type of its column. Rows before it may be in the table until the transaction is rolled back.
    """
    import pyarrow as pa
    from pgpq import ArrowToPostgresBinaryEncoder
    from pgpq.encoders import StringEncoderBuilder
    from pgpq.schema import Jsonb

    kinds = _kinds(connection, table, columns)
    schema = pa.schema(
        [pa.field(field.name, _arrow_type(kind, field.type)) for field, kind in zip(rows.schema, kinds, strict=True)]
    )
    encoders = {
        field.name: StringEncoderBuilder.new_with_output(field, Jsonb())
        if kind == "jsonb"
        else ArrowToPostgresBinaryEncoder.infer_encoder(field)
        for field, kind in zip(schema, kinds, strict=True)
    }
    encoder = ArrowToPostgresBinaryEncoder.new_with_encoders(schema, encoders)
    reading, writing = os.pipe()
    _widen(writing)
    failures: list[BaseException] = []

    def write() -> None:
        try:
            with os.fdopen(writing, "wb", buffering=0) as file:
                _write_whole(file, encoder.write_header())
                for batch in rows:
                    _write_whole(file, encoder.write_batch(_cast(batch, schema)))
                _write_whole(file, encoder.finish())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=write, name=f"copy {table}", daemon=True)
    thread.start()
    cursor = connection.connection.cursor()
    try:
        with os.fdopen(reading, "rb", buffering=0) as file:
            # To the server a stream that breaks off has ended: it is the writer's error, raised below, that undoes its rows.
            cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN WITH (FORMAT binary)", file, PIPE_BYTES)
    finally:
        thread.join()
        if failures and not isinstance(failures[0], BrokenPipeError):
            raise failures[0]
    return cursor.rowcount


def copy_frame(connection: Connection, table: str, frame: pd.DataFrame) -> int:
    """COPY a frame into the columns of the same names, as CSV, so that lists and JSON may be in PostgreSQL's own notation.

    Missing values become NULL; return the rows written.
    """
    buffer = io.StringIO()
    frame.to_csv(buffer, header=False, index=False, na_rep="", date_format="%Y-%m-%d %H:%M:%S.%f%z")
    buffer.seek(0)
    cursor = connection.connection.cursor()
    cursor.copy_expert(
        f"COPY {table} ({', '.join(map(str, frame.columns))}) FROM STDIN WITH (FORMAT csv)", buffer, PIPE_BYTES
    )
    return cursor.rowcount


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Cast a batch's columns; a decimal becomes the nearest double by way of its text, since a cast may miss it by a bit."""
    import pyarrow as pa

    columns = [
        column.cast(pa.string()).cast(field.type)
        if pa.types.is_decimal(column.type) and pa.types.is_floating(field.type)
        else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.record_batch(columns, schema=schema)


def _write_whole(file: Any, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]


def _widen(pipe: int) -> None:
    """Let a pipe hold more before its writer waits, where the system has a way to say so."""
    try:
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        return


def _kinds(connection: Connection, table: str, columns: Sequence[str]) -> list[str]:
    """Return PostgreSQL's names of the columns' types."""
    rows = connection.execute(
        sa.text(
            "SELECT attname, format_type(atttypid, NULL) AS kind FROM pg_attribute"
            " WHERE attrelid = cast(:table AS regclass) AND attnum > 0 AND NOT attisdropped"
        ),
        {"table": table},
    )
    kinds = {row.attname: row.kind for row in rows}
    unknown = [name for name in columns if name not in kinds]
    if unknown:
        raise KeyError(f"{table} has no column {', '.join(unknown)}")
    return [kinds[name] for name in columns]


def _arrow_type(kind: str, given: pa.DataType | None) -> pa.DataType:
    """Return the Arrow type whose binary form is that of a column of type `kind`; a decimal stays as it was `given`."""
    import pyarrow as pa

    if kind == "numeric":
        return given if given is not None and pa.types.is_decimal(given) else pa.decimal128(38, 10)
    if kind.endswith("[]"):
        return pa.list_(_arrow_type(kind.removesuffix("[]"), None))
    return {
        "text": pa.string(),
        "jsonb": pa.string(),
        "timestamp with time zone": pa.timestamp("us", "UTC"),
        "date": pa.date32(),
        "smallint": pa.int16(),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "double precision": pa.float64(),
        "real": pa.float32(),
        "boolean": pa.bool_(),
    }[kind]
