"""Ids that a spreadsheet or a frame of numbers has changed: with .0, in scientific notation, without their leading zeros."""

from dataclasses import dataclass

import duckdb

from customer_behavior.ingest.engine import quoted
from customer_behavior.ingest.ids import ID_FIELDS
from customer_behavior.ingest.source import Source


@dataclass(frozen=True)
class IdFinding:
    """Ids of one field that were changed on their way: how many rows, and a sentence with examples and the remedy."""

    field: str
    rows: int
    sentence: str


def changed_ids(engine: duckdb.DuckDBPyConnection, source: Source) -> list[IdFinding]:
    """Return what is wrong with the ids of the staged events (relation `mapped`); what a rule has mended is no longer there."""
    found = []
    for name in ID_FIELDS:
        if name in source.columns:
            found += _of(engine, source, name)
    return found


def _of(engine: duckdb.DuckDBPyConnection, source: Source, name: str) -> list[IdFinding]:
    prefix = len(source.customer_namespace) + 1 if name == "customer_id" and source.customer_namespace else 0
    padded = "regexp_full_match(id, '0[0-9]+')"
    row = engine.execute(
        f"""WITH ids AS (SELECT substr({name}, {prefix + 1}) AS id, count(*) AS rows FROM mapped WHERE {name} IS NOT NULL GROUP BY 1),
        kinds AS (
            SELECT id, rows, regexp_full_match(id, '[0-9]+[.]0+') AS pointed,
                regexp_full_match(id, '[0-9]([.][0-9]+)?[eE][+]?[0-9]+') AS scientific,
                {padded} AS padded, regexp_full_match(id, '[1-9][0-9]*') AS digits
            FROM ids
        ),
        width AS (SELECT min(length(id)) AS least, max(length(id)) AS most FROM kinds WHERE padded)
        SELECT coalesce(sum(rows) FILTER (pointed), 0), min(id) FILTER (pointed),
            coalesce(sum(rows) FILTER (pointed AND regexp_replace(id, '[.]0+$', '') IN (SELECT id FROM kinds WHERE digits)), 0),
            coalesce(sum(rows) FILTER (scientific), 0), min(id) FILTER (scientific),
            coalesce(sum(rows) FILTER (digits AND length(id) < most AND least = most), 0),
            min(id) FILTER (digits AND length(id) < most), min(id) FILTER (padded)
        FROM kinds, width"""
    ).fetchone()
    pointed, with_point, beside, scientific, rounded, short, shorter, longer = row or (
        0,
        None,
        0,
        0,
        None,
        0,
        None,
        None,
    )
    found = []
    if pointed:
        twice = f", {beside:,} of them beside the same id without it: one thing under two ids" if beside else ""
        found.append(
            IdFinding(
                name, pointed, f"{pointed:,} rows end in .0, as {quoted(with_point)}{twice}; {remedy(source, name)}"
            )
        )
    if scientific:
        words = f"{scientific:,} rows are in scientific notation, as {quoted(rounded)}: digits are lost, and different ids may be one"
        found.append(IdFinding(name, scientific, f"{words}; export the column as text"))
    if short:
        words = f"{short:,} rows are shorter than ids with leading zeros, as {quoted(shorter)} beside {quoted(longer)}: zeros may be lost"
        found.append(IdFinding(name, short, f"{words}; export the column as text"))
    return found


def remedy(source: Source, field: str) -> str:
    """Return how ids with .0 are mended: by the source's rule, where there is one, or before the file is delivered."""
    rule = f"name {field} under rules.whole_ids, or " if "whole_ids" in type(source.rules).model_fields else ""
    return f"{rule}export the column as text"
