"""Loading a night's delivery of a dimension: each replaces what it delivered before, every row is accounted for."""

import json
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
from sqlalchemy.engine import Connection

from customer_behavior.dimensions.source import COLUMNS, KEYS, Dimension, load_dimension
from customer_behavior.errors import BadInputError, NotReadyError
from customer_behavior.ingest.emptied import refuse_to_empty
from customer_behavior.ingest.engine import identifier, open_engine, quoted
from customer_behavior.ingest.erased import leave_out_of_dimension
from customer_behavior.ingest.landing import landed_files
from customer_behavior.ingest.reading import Block, read_delimited
from customer_behavior.paths import landing_dir
from customer_behavior.warehouse import BATCH_ROWS, Warehouse, audit, copy_arrow, copy_frame, lock, run_sql


def load_delivery(
    warehouse: Warehouse, name: str, batch_date: date, *, landing: Path | None = None, run_id: str | None = None
) -> dict:
    """Load the files that a dimension landed for a date; return source, rows_read, rows_accepted, rows_rejected, rows_duplicate.

    A row that says the same key again in one delivery replaces the earlier one, which is counted as a duplicate.

    Raises
    ------
    NotReadyError
        When no file has landed and `on_missing` is fail.
    BadInputError
        When a file cannot be read, lacks a mapped column, or more rows are refused than `reject_limit`; nothing is changed then.
    """
    dimension = load_dimension(name)
    landing = landing or landing_dir()
    files = landed_files(dimension, batch_date, landing)
    if not files and dimension.on_missing == "fail":
        raise NotReadyError(f"{name} {batch_date}: no file at {landing / dimension.path.format(date=batch_date)}")
    with open_engine(dimension.timezone) as engine, warehouse.begin("ingest") as connection:
        lock(connection, f"ingest {name}")
        refuse_to_empty(connection, name, [] if files else [batch_date])
        counts, refused = _stage(engine, dimension, batch_date, files, landing)
        if counts["rows_read"] and counts["rows_rejected"] / counts["rows_read"] > dimension.reject_limit:
            raise BadInputError(
                f"{name} {batch_date}: {counts['rows_rejected']:,} of {counts['rows_read']:,} rows refused, more than the "
                f"reject_limit of {dimension.reject_limit:.1%}; the tables keep what they had. First: line "
                f"{refused[0]['line']} of {refused[0]['file']}: {refused[0]['detail']}"
            )
        if dimension.kind != "products":
            leave_out_of_dimension(connection, engine, counts, refused)
        _replace(connection, engine, dimension, batch_date, refused, run_id)
        run_sql(
            connection,
            "ingest/write_ledger",
            source=name,
            batch_date=batch_date,
            status="loaded" if counts["rows_read"] else "empty",
            files=json.dumps([file.relative_to(landing).as_posix() for file in files]),
            event_days=json.dumps([]),
            run_id=run_id,
            **counts,
        )
    return {"source": name, **counts}


def _stage(
    engine: duckdb.DuckDBPyConnection, dimension: Dimension, batch_date: date, files: list[Path], landing: Path
) -> tuple[dict[str, int], list[dict]]:
    columns = COLUMNS[dimension.kind]
    engine.execute(
        f"CREATE TABLE delivered ({', '.join(f'{name} {kind}' for name, kind in columns.items())}, place BIGINT, reason VARCHAR)"
    )
    refused: list[dict] = []
    read = 0
    for path in files:
        name = path.relative_to(landing).as_posix()
        for block in read_delimited(path, dimension.delimiter):
            _check_header(dimension, block.table.column_names, name)
            found = [(one.line, one.reason, one.detail, one.raw_text) for one in block.refusals]
            found += _stage_block(engine, dimension, block)
            read += len(block.lines) + len(block.refusals)
            refused += [
                {"source": dimension.name, "batch_date": batch_date, "file": name, "line": line, "reason": reason,
                 "detail": detail, "raw_text": text}
                for line, reason, detail, text in found
            ]  # fmt: skip
    key = ", ".join(KEYS[dimension.kind])
    engine.execute(
        f"CREATE TABLE kept AS SELECT * EXCLUDE (place, reason) FROM delivered"
        f" QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY place DESC) = 1"
    )
    [(accepted,)] = engine.execute("SELECT count(*) FROM kept").fetchall()
    rejected = len(refused)
    duplicate = read - accepted - rejected
    counts = {"rows_read": read, "rows_accepted": accepted, "rows_rejected": rejected, "rows_duplicate": duplicate}
    return counts, refused


def _stage_block(
    engine: duckdb.DuckDBPyConnection, dimension: Dimension, block: Block
) -> list[tuple[int, str, str, str]]:
    """Stage a block's good rows; return the bad ones as (line, reason, detail, text)."""
    engine.register("block", block.table.append_column("_line", pa.array(block.lines)))
    values, reasons = [], []
    for name, kind in COLUMNS[dimension.kind].items():
        column = dimension.columns.get(name)
        if column is None:
            values.append(f"CAST(NULL AS {kind})")
            continue
        text = f"nullif(trim({identifier(column)}), '')"
        if name in dimension.values:
            cases = " ".join(
                f"WHEN {quoted(theirs)} THEN {quoted(ours)}" for theirs, ours in dimension.values[name].items()
            )
            text = f"CASE {text} {cases} ELSE {text} END"
        values.append(f"try_cast({text} AS {kind})")
        if name in KEYS[dimension.kind]:
            reasons.append(f"WHEN {text} IS NULL THEN {quoted(f'key_missing|{name} is empty: it is part of the key')}")
        if kind != "VARCHAR":
            wanted = kind.split("(")[0].lower()
            said = f"{quoted(f'value_unreadable|{name} is ')} || {text} || {quoted(f': not a {wanted}')}"
            reasons.append(f"WHEN {text} IS NOT NULL AND try_cast({text} AS {kind}) IS NULL THEN {said}")
    [(before,)] = engine.execute("SELECT count(*) FROM delivered").fetchall()
    judged = f"SELECT {', '.join(values)}, {before} + row_number() OVER () AS place, CASE {' '.join(reasons)} END AS reason, _line"
    engine.execute(f"CREATE OR REPLACE TEMPORARY TABLE judged AS {judged} FROM block")
    engine.execute("INSERT INTO delivered SELECT * EXCLUDE (_line) FROM judged WHERE reason IS NULL")
    bad = engine.execute("SELECT _line, reason FROM judged WHERE reason IS NOT NULL ORDER BY _line").fetchall()
    engine.unregister("block")
    if not bad:
        return []
    position, texts = {int(line): index for index, line in enumerate(block.lines)}, block.text
    return [(line, *reason.split("|", 1), texts[position[line]][:10_000]) for line, reason in bad]


def _check_header(dimension: Dimension, columns: list[str], where: str) -> None:
    for name, column in dimension.columns.items():
        if column not in columns:
            raise BadInputError(
                f"{where}: column {column!r}, mapped to {name} in include/dimensions/{dimension.name}.yaml, is not in the file; "
                f"its columns are {', '.join(columns)}"
            )


def _replace(
    connection: Connection,
    engine: duckdb.DuckDBPyConnection,
    dimension: Dimension,
    batch_date: date,
    refused: list[dict],
    run_id: str | None,
) -> None:
    stamp = "batch_date" if dimension.kind == "contacts" else "valid_from"
    run_sql(connection, "ingest/remove_rejects", source=dimension.name, batch_date=batch_date)
    if refused:
        copy_frame(connection, "raw.rejected_events", pd.DataFrame(refused))
    deleted = run_sql(
        connection, f"dimensions/remove_{dimension.kind}", source=dimension.name, batch_date=batch_date
    ).rowcount
    names = list(COLUMNS[dimension.kind])
    rows = engine.sql(
        f"SELECT {quoted(dimension.name)} AS source, {', '.join(names)}, DATE '{batch_date}' AS {stamp} FROM kept"
    )
    written = copy_arrow(connection, dimension.table, ["source", *names, stamp], rows.to_arrow_reader(BATCH_ROWS))
    audit(connection, dimension.table, f"{dimension.name} {batch_date}", deleted, written, run_id)
