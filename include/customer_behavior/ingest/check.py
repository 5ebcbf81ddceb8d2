"""What would happen to a file: its columns, events, refusals, days and hours, found as a load finds them, without loading it."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from customer_behavior.ingest.blocks import Block, Refusal, open_text
from customer_behavior.ingest.charges import PRODUCT, Amount, amounts
from customer_behavior.ingest.drafting.sample import column_names
from customer_behavior.ingest.engine import open_engine
from customer_behavior.ingest.formats import read_file
from customer_behavior.ingest.id_forms import IdFinding, changed_ids
from customer_behavior.ingest.limits import refusal_of
from customer_behavior.ingest.mapping import lacking, mapping_sql
from customer_behavior.ingest.rates import exchange_of
from customer_behavior.ingest.source import Source
from customer_behavior.ingest.staging import Batch, Staging
from customer_behavior.paths import landing_dir
from customer_behavior.settings import Shop

SAMPLE_LINES = 1_000
SHOWN = (
    "event_time", "event_type", "customer_id", "session_id", "product_id", "order_id", "quantity", "price", "discount", "attributes",
)  # fmt: skip
# A whole history: every row is judged as if it came with the batch of its own day.
ANY_DAY = (date(2100, 1, 1), (date(2100, 1, 1) - date(1990, 1, 1)).days)


@dataclass
class Report:
    """What a file holds, as `source` reads it; `missing` are the columns that it lacks, each with what names it."""

    columns: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    batch_date: date | None = None
    history: bool = False
    rows: int = 0
    rejected: int = 0
    duplicate: int = 0
    alike: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Refusal] = field(default_factory=dict)
    first: list[dict] = field(default_factory=list)
    days: dict[date, int] = field(default_factory=dict)
    hours: dict[int, int] = field(default_factory=dict)
    ids: list[IdFinding] = field(default_factory=list)
    charges: dict[str, int] = field(default_factory=dict)
    amounts: list[Amount] = field(default_factory=list)
    nobody: int = 0
    dropped: int = 0
    mended: Counter[str] = field(default_factory=Counter)
    refused: str | None = None

    @property
    def accepted(self) -> int:
        """Rows that would become events."""
        return self.rows - self.rejected - self.duplicate - self.dropped

    @property
    def usable(self) -> bool:
        """Whether a batch of this file would be loaded; one without rows is, as an empty day."""
        return not self.missing and self.refused is None


def check_file(source: Source, shop: Shop, path: Path, batch_date: date | None = None) -> Report:
    """Read a file as a batch of `source`, as a load does, without a database.

    The batch's date is the one given, else that in the file's name, else its newest day. A file without a date
    in its name whose days are more than one batch may deliver is a history: each row is judged as of its own day.

    Raises
    ------
    BadInputError
        When the file cannot be read as a whole, as a load would say.
    """
    report = Report()
    if not path.stat().st_size:
        report.refused = f"{path.name} is empty (0 bytes), as an upload is that has just begun"
        return report
    named = re.search(r"\d{4}-\d{2}-\d{2}", path.name)
    report.batch_date = batch_date or (date.fromisoformat(named[0]) if named else None)
    with open_engine(source.timezone) as engine:
        exchange = exchange_of(source, shop, landing_dir())
        staging = Staging(engine, source, shop.zone, path.parent, exchange)
        first = _first_rows(source, path)
        report.columns = list(first.table.column_names) if first else []
        report.columns += [name for name in _others(source, path) if name not in report.columns]
        report.missing = lacking(source, first.table.column_names) if first else {}
        if report.missing:
            return report
        if first and not report.batch_date:
            report.batch_date, report.history = _span(engine, staging, path, shop)
        if report.history:
            day, days = ANY_DAY
            staging.source = source.model_copy(update={"max_lateness_days": days})
            batch = Batch(day, "loaded", [path])
        else:
            batch = Batch(report.batch_date or date(1970, 1, 1), "loaded", [path])
        for refused in staging.read(batch):
            report.reasons[refused["reason"]] += 1
            kept = Refusal(refused["line"], refused["reason"], refused["detail"], refused["raw_text"])
            report.examples.setdefault(kept.reason, kept)
        report.rows, report.rejected = batch.rows_read, batch.rows_rejected
        report.nobody, report.dropped, report.mended = batch.rows_nobody, batch.rows_dropped, batch.mended
        report.refused = refusal_of(source, batch)
        staging.identify()
        report.duplicate = sum(staging.count_disowned().values())
        _describe(engine, report, source)
    return report


def _first_rows(source: Source, path: Path) -> Block | None:
    """Return the first block with columns, whose header a load checks."""
    return next((block for block in read_file(source, path) if block.table.column_names), None)


def _others(source: Source, path: Path) -> list[str]:
    """Return the columns of a nested file, those that are not read included."""
    if source.format == "parquet":
        with path.open("rb") as opened:
            return list(pq.read_schema(opened).names)
    names: dict[str, None] = {}
    if source.format == "jsonl":
        with open_text(path) as file:
            for line in islice(iter(lambda: file.readline(1 << 20), b""), SAMPLE_LINES):
                try:
                    names.update(dict.fromkeys(column_names(json.loads(line))))
                except (ValueError, RecursionError):
                    continue
    return list(names)


def _span(engine: duckdb.DuckDBPyConnection, staging: Staging, path: Path, shop: Shop) -> tuple[date | None, bool]:
    """Return the newest day of a file, and whether its days are more than one batch may deliver."""
    source = staging.source
    select = mapping_sql(source, source.wanted, date(2000, 1, 1), shop.zone, source.wanted, staging.exchange)
    found = f"SELECT min(event_day), max(event_day) FROM ({select}) WHERE year(event_day) BETWEEN 1990 AND 2100"
    days: list[date] = []
    for block in read_file(source, path):
        engine.register("block", staging.rows(block))
        days += [day for day in engine.execute(found).fetchall()[0] if day]
        engine.unregister("block")
    if not days:
        return None, False
    return max(days), (max(days) - min(days)).days > source.max_lateness_days + 1


def _describe(engine: duckdb.DuckDBPyConnection, report: Report, source: Source) -> None:
    def pairs(query: str) -> dict:
        return dict(engine.execute(query).fetchall())

    report.days = pairs("SELECT event_day, count(*) FROM mapped GROUP BY 1 ORDER BY 1")
    report.hours = pairs("SELECT hour(event_time), count(*) FROM mapped GROUP BY 1 ORDER BY 1")
    row = engine.execute("SELECT count(*) - count(DISTINCT row_hash) FROM mapped").fetchone()
    report.alike = row[0] if row else 0
    report.ids = changed_ids(engine, source)
    report.charges = pairs("SELECT charge, count(*) FROM mapped WHERE charge IS NOT NULL GROUP BY 1 ORDER BY 1")
    report.amounts = amounts(engine, source.charges.get(PRODUCT, ()))
    shown = ", ".join(SHOWN).replace("event_time", "CAST(event_time AS VARCHAR) AS event_time")
    cursor = engine.execute(f"SELECT line, {shown} FROM mapped ORDER BY line LIMIT 5")
    names = [column[0] for column in cursor.description or ()]
    report.first = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
