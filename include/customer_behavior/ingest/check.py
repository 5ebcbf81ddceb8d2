"""What would happen to a file: its columns, events, refusals, days and hours, found without loading anything."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from customer_behavior.asof import ONE_DAY
from customer_behavior.errors import BadInputError
from customer_behavior.ingest.blocks import Block, Refusal, open_text
from customer_behavior.ingest.engine import open_engine
from customer_behavior.ingest.formats import read_file
from customer_behavior.ingest.mapping import mapping_sql
from customer_behavior.ingest.rates import exchange_of
from customer_behavior.ingest.source import Source
from customer_behavior.ingest.staging import Staging
from customer_behavior.paths import landing_dir
from customer_behavior.settings import Shop

SAMPLE_LINES = 1_000
ENOUGH_FOR_HOURS = 200  # events; fewer say nothing about the night
NIGHT = 3  # the hour around which a shop's customers sleep


@dataclass
class Report:
    """What a file holds, as `source` reads it."""

    columns: list[str]
    missing: list[str]
    batch_date: date | None = None
    rows: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Refusal] = field(default_factory=dict)
    first: list[dict] = field(default_factory=list)
    days: dict[date, int] = field(default_factory=dict)
    hours: dict[int, int] = field(default_factory=dict)
    alike: int = 0
    reject_limit: float = 0.0

    @property
    def rejected(self) -> int:
        """Rows that would be refused."""
        return sum(self.reasons.values())

    @property
    def usable(self) -> bool:
        """Whether a batch of this file would be loaded."""
        return not self.missing and bool(self.rows) and self.rejected <= self.reject_limit * self.rows


def columns_of(form: str, path: Path, source: Source | None = None, delimiter: str = ",") -> list[str]:
    """Return the columns that a file has; of JSON Lines, those in its first lines, nested ones with dots."""
    if form == "parquet":
        try:
            with path.open("rb") as opened:
                return list(pq.read_schema(opened).names)
        except (pa.ArrowException, OSError) as error:
            raise BadInputError(f"{path}: not read as Parquet ({str(error)[:300]}); deliver the file again") from error
    if form == "csv":
        from customer_behavior.ingest.reading import read_delimited

        for block in read_delimited(path, source.delimiter if source else delimiter):
            return list(block.table.column_names)
        return []
    names: dict[str, None] = {}
    with open_text(path) as file:
        for line in islice(iter(lambda: file.readline(1 << 20), b""), SAMPLE_LINES):
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                continue
            names.update(dict.fromkeys(_names(record)))
    return list(names)


def _names(value: object, before: str = "") -> list[str]:
    if isinstance(value, dict) and before.count(".") < 4:
        return [name for key, inner in value.items() for name in _names(inner, f"{before}{key}.")]
    return [before[:-1]] if before else []


def check_file(source: Source, shop: Shop, path: Path, batch_date: date | None = None) -> Report:
    """Read a file as a batch of `source`, without a database.

    The batch's date is the one given, else that in the file's name, else the newest day in its first rows.

    Raises
    ------
    BadInputError
        When the file cannot be read as a whole.
    """
    report = Report([], [], reject_limit=source.reject_limit)
    named = re.search(r"\d{4}-\d{2}-\d{2}", path.name)
    report.batch_date = batch_date or (date.fromisoformat(named[0]) if named else None)
    with open_engine(source.timezone) as engine:
        staging = Staging(engine, source, shop.zone, path.parent, exchange_of(source, shop, landing_dir()))
        for number, block in enumerate(read_file(source, path)):
            if number == 0:
                report.columns = columns_of(source.format, path, source)
                there = {*report.columns, *block.table.column_names}
                mapped = [name for name in source.wanted if name not in (*source.keep, *source.optional)]
                report.missing = [name for name in mapped if name not in there]
                if report.missing:
                    return report
                report.batch_date = report.batch_date or _newest_day(engine, staging, block, shop)
            accepted, refusals = staging.stage(block, report.batch_date or date(1970, 1, 1), path.name)
            report.rows += accepted + len(refusals)
            for refusal in refusals:
                report.reasons[refusal.reason] += 1
                report.examples.setdefault(refusal.reason, refusal)
        if report.rows:
            staging.identify()
            _describe(engine, report, source)
    return report


def _newest_day(engine: duckdb.DuckDBPyConnection, staging: Staging, block: Block, shop: Shop) -> date | None:
    source = staging.source
    engine.register("block", staging.rows(block))
    select = mapping_sql(source, source.wanted, date(2000, 1, 1), shop.zone, source.wanted)
    found = f"SELECT max(event_day) FROM ({select}) WHERE year(event_day) BETWEEN 1990 AND 2100"
    [(newest,)] = engine.execute(found).fetchall()
    engine.unregister("block")
    return newest


def _describe(engine: duckdb.DuckDBPyConnection, report: Report, source: Source) -> None:
    def pairs(query: str) -> dict:
        return dict(engine.execute(query).fetchall())

    report.days = pairs("SELECT event_day, count(*) FROM mapped GROUP BY 1 ORDER BY 1")
    report.hours = pairs("SELECT hour(event_time), count(*) FROM mapped GROUP BY 1 ORDER BY 1")
    row = engine.execute("SELECT count(*) - count(DISTINCT row_hash) FROM mapped").fetchone()
    report.alike = row[0] if row else 0
    shown = (
        "event_time, event_type, customer_id, session_id, product_id, order_id, quantity, price, discount, attributes"
    )
    cursor = engine.execute(
        f"SELECT line, {shown.replace('event_time', 'CAST(event_time AS VARCHAR) AS event_time')} FROM mapped ORDER BY line LIMIT 5"
    )
    names = [column[0] for column in cursor.description or ()]
    report.first = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def night(hours: dict[int, int]) -> int | None:
    """Return the hours by which the clock of the stamps runs ahead of the customers', None when the hours do not tell.

    >>> night({hour: 10 if hour in (7, 8, 9) else 100 for hour in range(24)})
    5
    """
    total = sum(hours.values())
    if total < ENOUGH_FOR_HOURS:
        return None
    quiet = {hour: sum(hours.get((hour + n) % 24, 0) for n in (-1, 0, 1)) for hour in range(24)}
    wide = {hour: sum(hours.get((hour + n) % 24, 0) for n in (-2, -1, 0, 1, 2)) for hour in range(24)}
    hour = min(quiet, key=lambda one: (quiet[one], wide[one]))
    if quiet[hour] > total / 8 / 2:
        return None
    return (hour - NIGHT + 12) % 24 - 12


def lines_of(report: Report, source: Source, path: Path) -> list[str]:
    """Return a report as lines for a person."""
    said = [f"{path} as source {source.name} ({source.format}), batch {report.batch_date or 'unknown'}", "", "columns"]
    targets: dict[str, list[str]] = {}
    for name, columns in source.columns.items():
        for column in [columns] if isinstance(columns, str) else columns:
            targets.setdefault(column, []).append(name)
    if source.fill_down:
        targets.setdefault(source.fill_down.by, []).append("fill_down")
    for column in dict.fromkeys([*report.columns, *source.wanted]):
        if column in report.missing:
            close = get_close_matches(column, report.columns, 1, 0.5)
            hint = (
                f"; did you mean {close[0]!r}?"
                if close
                else f"; add it to optional in {source.name}.yaml if it may be missing"
            )
            what = f"MISSING, mapped to {', '.join(targets[column])}{hint}"
        elif column in targets:
            absent = "" if column in report.columns or "." in column else "  (not in the file, optional)"
            what = "→ " + ", ".join(targets[column]) + absent
        else:
            what = "kept in attributes" if column in source.keep else "ignored"
            what = "a row for each item" if column == source.explode else what
        said.append(f"  {column:<28} {what}")
    if not report.missing:
        said += _rows(report, source)
    verdict = "this file would be loaded"
    if report.missing:
        verdict = "NOT USABLE: mapped columns are missing"
    elif not report.rows:
        verdict = "NOT USABLE: no rows"
    elif not report.usable:
        verdict = f"NOT USABLE: more rows refused than the reject_limit of {source.reject_limit:.1%}"
    return [*said, "", verdict]


def _rows(report: Report, source: Source) -> list[str]:
    said = ["", "first events"]
    said += [
        f"  line {row['line']}: " + ", ".join(f"{k}={v}" for k, v in row.items() if k != "line" and v is not None)
        for row in report.first
    ]
    accepted = report.rows - report.rejected
    said += [
        "",
        f"rows: {report.rows:,} read, {accepted:,} accepted, {report.rejected:,} rejected, {report.alike:,} identical to another",
    ]
    for reason, count in report.reasons.most_common():
        example = report.examples[reason]
        said += [
            f"  {reason:<20} {count:>9,}  e.g. line {example.line}: {example.detail}",
            f"    {example.raw_text[:160]!r}",
        ]
    if report.days:
        first, last = min(report.days), max(report.days)
        span = [first + timedelta(days=n) for n in range((last - first) // ONE_DAY + 1)]
        gaps = [str(day) for day in span if day not in report.days and not source.calendar.is_closed(day)]
        said += ["", f"days: {first} to {last}" + (f"; none on {', '.join(gaps[:10])}" if gaps else ", without a gap")]
        said += [f"  {day}  {count:>9,}" for day, count in list(report.days.items())[:31]]
    ahead = night(report.hours)
    said += ["", f"timezone: stamps without a zone are taken as {source.timezone}"]
    if ahead is None:
        said.append("  the hours do not tell where it is night")
    elif abs(ahead) <= 2:
        said.append("  the quiet hours are at night: it fits")
    else:
        where = "behind" if ahead > 0 else "ahead of"
        said.append(
            f"  the quiet hours are at night {abs(ahead)} hours {where} {source.timezone}: right if customers "
            "live there, else correct timezone"
        )
    return said
