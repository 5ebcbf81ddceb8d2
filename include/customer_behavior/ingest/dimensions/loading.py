"""Loading a night's delivery of a dimension: each replaces what it delivered before, every row is accounted for."""

import csv
import json
import logging
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
from sqlalchemy.engine import Connection

from customer_behavior.errors import BadInputError, NotReadyError
from customer_behavior.ingest.dimensions.consent import note_replaced, refresh_consents, unreadable_consents
from customer_behavior.ingest.dimensions.source import COLUMNS, KEYS, Dimension, load_dimension
from customer_behavior.ingest.emptied import refuse_to_empty
from customer_behavior.ingest.engine import identifier, open_engine, quoted
from customer_behavior.ingest.erased import leave_out_of_dimension
from customer_behavior.ingest.ids import ID_FIELDS, is_rounded, read_id, trimmed
from customer_behavior.ingest.landing import as_json, counted_once, landed_files, still_awaited
from customer_behavior.ingest.numbers import read_number
from customer_behavior.ingest.reading import Block, read_delimited
from customer_behavior.names import Role
from customer_behavior.settings import Shop
from customer_behavior.warehouse import BATCH_ROWS, Warehouse, audit, copy_arrow, copy_frame, lock, run_sql

log = logging.getLogger(__name__)

SPACES = r"[\s\p{Z}\p{C}]+"
UNREADABLE = "consent_unreadable"  # the word, where a consent could not be read
REFUSED = "refused line, see raw.rejected_events"
WORD_LENGTH = 40  # enough to recognise a word; a cell of another column is not repeated in full


def load_delivery(
    warehouse: Warehouse, shop: Shop, name: str, batch_date: date, *, landing: Path, run_id: str | None = None
) -> dict:
    """Load the files that a dimension landed for a date; return source, rows_read, rows_accepted, rows_rejected, rows_duplicate.

    A row that says the same key again in one delivery replaces the earlier one, which is counted as a duplicate; of several
    consents of a customer a no holds. A consent that cannot be read counts as no, and so does a refused line of a customer;
    `consents_unreadable` of the result says how many, if any. Without a file, what a delivery of customers said before stays: a no
    does not go because a file did.

    Raises
    ------
    NotReadyError
        When no file has landed and `on_missing` is fail.
    BadInputError
        When a file cannot be read, lacks a mapped column, or more rows are refused than `reject_limit`; nothing is changed then.
    """
    dimension = load_dimension(name)
    found = landed_files(dimension, batch_date, landing)
    if found.awaited:
        raise NotReadyError(f"{name} {batch_date}: not landed yet: {still_awaited(found, landing)}")
    found = counted_once(found, landing, header_lines=1)
    files = found.files
    for one in found.passed_over:
        log.warning(
            "%s %s: %s was not read: %s", name, batch_date, one.file.relative_to(landing).as_posix(), one.reason
        )
    if not files and dimension.on_missing == "fail":
        raise NotReadyError(f"{name} {batch_date}: no file at {landing / dimension.path.format(date=batch_date)}")
    with open_engine(dimension.timezone) as engine, warehouse.begin(Role.INGEST) as connection:
        lock(connection, f"ingest {name}")
        if not files and dimension.kind == "customers" and (before := _loaded_before(connection, name, batch_date)):
            log.warning("%s %s: no file has landed; what it delivered before stays", name, batch_date)
            return {"source": name, **before}
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
            files_passed_over=as_json(found.passed_over, landing),
            event_days=json.dumps([]),
            rows_nobody=0,
            rows_dropped=0,
            values_mended=json.dumps({}),
            run_id=run_id,
            **counts,
        )
        unreadable = 0
        if dimension.kind == "customers":
            refresh_consents(connection, shop, name, batch_date)
            unreadable, example = unreadable_consents(connection, name, batch_date)
    if unreadable:
        log.warning(
            "%s %s: %d consents could not be read and count as no, for example %r; say what the word means under "
            "values.consent in include/dimensions/%s.yaml",
            name, batch_date, unreadable, example, name,
        )  # fmt: skip
        return {"source": name, **counts, "consents_unreadable": unreadable}
    return {"source": name, **counts}


def _loaded_before(connection: Connection, name: str, batch_date: date) -> dict[str, int] | None:
    """Return the counts of a delivery that had rows, None where there was none."""
    row = (
        run_sql(connection, "ingest/dimensions/loaded_before", source=name, batch_date=batch_date)
        .mappings()
        .one_or_none()
    )
    return dict(row) if row else None


def _columns(dimension: Dimension) -> dict[str, str]:
    """The columns of the dimension's table that a delivery fills, and their types in DuckDB."""
    return COLUMNS[dimension.kind] | ({UNREADABLE: "VARCHAR"} if dimension.kind == "customers" else {})


def _stage(
    engine: duckdb.DuckDBPyConnection, dimension: Dimension, batch_date: date, files: list[Path], landing: Path
) -> tuple[dict[str, int], list[dict]]:
    columns = _columns(dimension)
    engine.execute(
        f"CREATE TABLE delivered ({', '.join(f'{name} {kind}' for name, kind in columns.items())}, place BIGINT, reason VARCHAR)"
    )
    refused: list[dict] = []
    doubtful: set[str] = set()
    read = 0
    for path in files:
        name = path.relative_to(landing).as_posix()
        for block in read_delimited(path, dimension.delimiter):
            _check_header(dimension, block.table.column_names, name)
            found = [(one.line, one.reason, one.detail, one.raw_text) for one in block.refusals]
            if dimension.has_consent:
                doubtful.update(_customers_of_refused(dimension, block))
            found += _stage_block(engine, dimension, block)
            read += len(block.lines) + len(block.refusals)
            refused += [
                {"source": dimension.name, "batch_date": batch_date, "file": name, "line": line, "reason": reason,
                 "detail": detail, "raw_text": text}
                for line, reason, detail, text in found
            ]  # fmt: skip
    key = ", ".join(KEYS[dimension.kind])
    said = ""
    if dimension.kind == "customers":  # the rows of a customer together: a no of any of them holds
        said = (
            f" REPLACE (bool_and(consent) OVER (PARTITION BY {key}) AS consent,"
            f" max({UNREADABLE}) OVER (PARTITION BY {key}) AS {UNREADABLE})"
        )
    engine.execute(
        f"CREATE TABLE kept AS SELECT * EXCLUDE (place, reason){said} FROM delivered"
        f" QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY place DESC) = 1"
    )
    [(accepted,)] = engine.execute("SELECT count(*) FROM kept").fetchall()
    if doubtful:
        _keep_doubtful(engine, sorted(doubtful))
    rejected = len(refused)
    duplicate = read - accepted - rejected
    counts = {"rows_read": read, "rows_accepted": accepted, "rows_rejected": rejected, "rows_duplicate": duplicate}
    return counts, refused


def _customers_of_refused(dimension: Dimension, block: Block) -> set[str]:
    """Return whom the lines that were refused as a whole seem to speak of: what they say of consent cannot be read."""
    position = block.table.column_names.index(dimension.columns["customer_id"])
    found: set[str] = set()
    for refusal in block.refusals:
        fields = next(csv.reader([refusal.raw_text], delimiter=dimension.delimiter), [])
        found.update(field.strip() for field in fields[position : position + 1])
    return found - {""}


def _keep_doubtful(engine: duckdb.DuckDBPyConnection, customers: list[str]) -> None:
    """Keep a no, beside the rows that were accepted, for customers with a refused line: it may have been one."""
    engine.execute("CREATE TABLE doubtful AS SELECT unnest(?) AS customer_id", [customers])
    engine.execute(
        f"UPDATE kept SET consent = false, {UNREADABLE} = {quoted(REFUSED)}"
        " WHERE customer_id IN (SELECT customer_id FROM doubtful)"
    )
    engine.execute(
        f"INSERT INTO kept (customer_id, consent, {UNREADABLE}) SELECT customer_id, false, {quoted(REFUSED)} FROM doubtful"
        " WHERE customer_id NOT IN (SELECT customer_id FROM kept)"
    )


def _stage_block(
    engine: duckdb.DuckDBPyConnection, dimension: Dimension, block: Block
) -> list[tuple[int, str, str, str]]:
    """Stage a block's good rows; return the bad ones as (line, reason, detail, text)."""
    engine.register("block", block.table.append_column("_line", pa.array(block.lines)))
    values, reasons = [], []
    for name, kind in COLUMNS[dimension.kind].items():
        text = _text(dimension, name)
        if text is None:
            values.append(f"CAST(NULL AS {kind})")
            continue
        if name in KEYS[dimension.kind]:
            reasons.append(
                f"WHEN {text} IS NULL THEN {quoted(f'key_missing|{name} is empty or no id: it is part of the key')}"
            )
        if name in ID_FIELDS:
            said = quoted(f"id_rounded|{name} is ") + f" || {text} || " + quoted(": a spreadsheet lost its last digits")
            reasons.append(f"WHEN {is_rounded(text)} THEN {said}")
        read = read_number(text, dimension.decimal) if kind.startswith("DECIMAL") else text
        value = _truth(dimension, name, text) if kind == "BOOLEAN" else f"try_cast({read} AS {kind})"
        values.append(f"{value} = 'true'" if kind == "BOOLEAN" else value)  # no word is true but those that say so
        if kind != "VARCHAR" and name != "consent":  # that is a no instead
            unreadable = f"{value} = 'unreadable'" if kind == "BOOLEAN" else f"{text} IS NOT NULL AND {value} IS NULL"
            wanted = kind.split("(")[0].lower()
            said = f"{quoted(f'value_unreadable|{name} is ')} || {text} || {quoted(f': not a {wanted}')}"
            reasons.append(f"WHEN {unreadable} THEN {said}")
    if dimension.kind == "customers":
        text = _text(dimension, "consent")
        unreadable = f"{_truth(dimension, 'consent', text)} = 'unreadable'" if text else "false"
        values.append(f"CASE WHEN {unreadable} THEN left({text or 'NULL'}, {WORD_LENGTH}) END")
    [(before,)] = engine.execute("SELECT count(*) FROM delivered").fetchall()
    judged = f"SELECT {', '.join(values)}, {before} + row_number() OVER () AS place, CASE {' '.join(reasons)} END AS reason, _line"
    engine.execute(f"CREATE OR REPLACE TEMPORARY TABLE judged AS {judged} FROM block")
    names = ", ".join((*_columns(dimension), "place", "reason"))
    engine.execute(f"INSERT INTO delivered ({names}) SELECT * EXCLUDE (_line) FROM judged WHERE reason IS NULL")
    bad = engine.execute("SELECT _line, reason FROM judged WHERE reason IS NOT NULL ORDER BY _line").fetchall()
    engine.unregister("block")
    if not bad:
        return []
    position, texts = {int(line): index for index, line in enumerate(block.lines)}, block.text
    return [(line, *reason.split("|", 1), texts[position[line]][:10_000]) for line, reason in bad]


def _text(dimension: Dimension, name: str) -> str | None:
    """Return the SQL of what a delivery says of a column, NULL where it is blank; None: it says nothing of it."""
    if name in dimension.constants:
        return quoted(dimension.constants[name])
    if name not in dimension.columns:
        return None
    if COLUMNS[dimension.kind][name] == "BOOLEAN":
        return f"nullif(trim(regexp_replace({identifier(dimension.columns[name])}, {quoted(SPACES)}, ' ', 'g')), '')"
    text = trimmed(identifier(dimension.columns[name]))
    if name in ID_FIELDS:
        text = read_id(name, text, more=dimension.no_ids, fewer=dimension.are_ids)
    if name in dimension.values:
        cases = " ".join(
            f"WHEN {quoted(theirs)} THEN {quoted(ours)}" for theirs, ours in dimension.values[name].items()
        )
        text = f"CASE {text} {cases} ELSE {text} END"
    return text


def _truth(dimension: Dimension, name: str, text: str) -> str:
    """Return the SQL that gives 'true', 'false', NULL for nothing said, or 'unreadable'."""
    cases = " ".join(
        f"WHEN {quoted(word)} THEN {'NULL' if truth is None else quoted(str(truth).lower())}"
        for word, truth in dimension.truths(name).items()
    )
    return f"CASE WHEN {text} IS NOT NULL THEN CASE lower({text}) {cases} ELSE 'unreadable' END END"


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
    if dimension.kind == "customers":
        note_replaced(connection, dimension.name, batch_date)
    deleted = run_sql(
        connection, f"ingest/dimensions/remove_{dimension.kind}", source=dimension.name, batch_date=batch_date
    ).rowcount
    names = list(_columns(dimension))
    rows = engine.sql(
        f"SELECT {quoted(dimension.name)} AS source, {', '.join(names)}, DATE '{batch_date}' AS {stamp} FROM kept"
    )
    written = copy_arrow(connection, dimension.table, ["source", *names, stamp], rows.to_arrow_reader(BATCH_ROWS))
    audit(connection, dimension.table, f"{dimension.name} {batch_date}", deleted, written, run_id)
