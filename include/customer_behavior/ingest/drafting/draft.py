"""The draft of a source as YAML: every line with what it rests on, and what a person has to decide as a TODO."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from customer_behavior.ingest.drafting.first_rows import filled, find_fill_down
from customer_behavior.ingest.drafting.kinds import types_of
from customer_behavior.ingest.drafting.places import Evidence, currency_of, timezone_of
from customer_behavior.ingest.drafting.roles import Roles, find_roles
from customer_behavior.ingest.drafting.sample import Sample, read_sample
from customer_behavior.ingest.source import TEXT_FIELDS, Rules, Source
from customer_behavior.settings import Shop

ORDER = (
    "event_time", "event_type", "event_id", "customer_id", "session_id", "order_id", "product_id", "quantity", "price", "line_total",
    "line_discount",
)  # fmt: skip


@dataclass
class Draft:
    """A draft.

    Attributes
    ----------
    text : str
        The YAML with its comments.
    shop : dict of str to Evidence
        What shop.yaml should say: currency and timezone.
    lacks : list of str
        Why it cannot be loaded as it is; empty when it can.
    """

    text: str
    shop: dict[str, Evidence]
    lacks: list[str] = field(default_factory=list)


class _Lines:
    """YAML, line by line, with a comment behind a line."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def comment(self, text: str, todo: bool = False) -> None:
        self.lines += [f"# {'TODO ' if todo else ''}{one}" for one in text.splitlines()]

    def put(
        self, key: str, value: Any = None, said: str | None = None, doubt: str | None = None, depth: int = 0
    ) -> None:
        name = yaml.safe_dump(key, allow_unicode=True, width=10_000).splitlines()[0]
        shown = (
            ""
            if value is None
            else yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000).splitlines()[0]
        )
        line = f"{'  ' * depth}{name}:{' ' if shown else ''}{shown}"
        words = "; ".join(" ".join(text.split()) for text in (said, f"TODO {doubt}" if doubt else None) if text)
        self.lines.append(f"{line:<40} # {words}" if words else line)


def draft_source(name: str, path: Path, shop: Shop) -> Draft:
    """Return a draft of include/sources/<name>.yaml from a file's first rows.

    Raises
    ------
    BadInputError
        When the file is of no kind that can be read.
    """
    sample = read_sample(path)
    dated = re.search(r"(\d{4})-?(\d{2})-?(\d{2})", path.name)
    fill_down = find_fill_down(sample.frame) if sample.form == "csv" and not sample.headerless else None
    if fill_down:
        sample.frame = filled(sample.frame, fill_down)
    roles = find_roles(sample.frame, _day(dated), order=fill_down.by if fill_down else None)
    renamed = _offer_names(sample, roles)
    currency = currency_of(roles, shop.currency)
    zone, shop_zone = timezone_of(roles, shop.timezone)
    lines = _Lines()
    lines.comment(
        f"A draft from the first {len(sample.frame):,} rows of {path.name}. Beside each line stands what it rests on; read those"
    )
    lines.comment("marked TODO, and timezone and currency above all (docs/sources.md).")
    for text in sample.remedies:
        lines.comment(f"first: {text}", todo=True)
    for text in [*sample.notes, *roles.unplaced, *_notes(sample, roles)]:
        lines.comment(text)
    lines.put("description", f"Events of {name}")
    ending = {"csv": "csv", "jsonl": "jsonl", "parquet": "parquet"}[sample.form]
    zipped = ".gz" if path.suffix == ".gz" or any("gzipped" in text for text in sample.remedies) else ""
    lines.put("path", f"{name}/{{date}}.{ending}{zipped}", "below the landing folder, a file a day")
    lines.put("format", sample.form)
    if sample.form == "csv" and sample.delimiter != ",":
        lines.put("delimiter", sample.delimiter)
    if sample.headerless:
        lines.put("header", renamed, "the first line looks like data: these names are offered, change them freely")
    if sample.explode:
        lines.put("explode", sample.explode, "a list of objects: each item becomes a row")
    _put_decimal(lines, roles)
    lines.put("timezone", zone.value, zone.said, _ask(zone))
    if roles.times:
        _put_time(lines, roles)
    lines.put("currency", currency.value, currency.said, _ask(currency))
    lines.put("on_missing", "fail")
    lines.put("max_lateness_days", 3, "how many days late an event may come")
    types = _put_columns(lines, roles)
    if sample.form == "jsonl":
        sparse = [
            column for found in roles.fields.values() for column in found.columns if roles.columns.filled(column) < 1
        ]
        if sparse:
            lines.put("optional", list(dict.fromkeys(sparse)), "not in every record, perhaps in none of some day")
    if fill_down:
        mapped = {column for found in roles.fields.values() for column in found.columns}
        below = [column for column in fill_down.columns if column in mapped]
        lines.put("fill_down", {"by": fill_down.by, "columns": below}, "given on the first row of an order only")
    _put_types(lines, types)
    _put_rules(lines, roles)
    lacks = [*sample.remedies]
    if "event_time" not in roles.fields:
        lacks.append("no column of times was found: name it under columns.event_time")
    if not {"customer_id", "session_id"} & set(roles.fields):
        lacks.append("no column of customers, sessions or orders was found: name it under columns")
    return Draft("\n".join(lines.lines) + "\n", {"currency": currency, "timezone": shop_zone}, lacks)


def _day(found: re.Match | None) -> datetime | None:
    try:
        return datetime.fromisoformat("-".join(found.groups())) if found else None
    except ValueError:
        return None


def _ask(evidence: Evidence) -> str | None:
    return "is it so?" if evidence.doubt else None


def _offer_names(sample: Sample, roles: Roles) -> list[str]:
    """Call the columns of a headerless file by our fields; return the names of all columns."""
    if not sample.headerless:
        return [str(name) for name in sample.frame.columns]
    names: dict[str, str] = {}
    for role, found in roles.fields.items():
        for number, column in enumerate(found.columns):
            names.setdefault(column, role if number == 0 else f"{role}_{number + 1}")
    sample.frame.columns = pd.Index([names.get(str(name), str(name)) for name in sample.frame.columns])
    for found in roles.fields.values():
        found.columns = tuple(names[column] for column in found.columns)
        for old, new in sorted(names.items(), reverse=True):
            found.evidence = re.sub(rf"\b{old}\b", new, found.evidence)
    for old, new in names.items():
        if old in roles.columns.numbers:
            roles.columns.numbers[new] = roles.columns.numbers.pop(old)
    roles.columns.names = [str(name) for name in sample.frame.columns]
    return roles.columns.names


def _notes(sample: Sample, roles: Roles) -> list[str]:
    """Return what else strikes in the values."""
    columns, notes = roles.columns, []
    if columns.decimal.doubt:
        notes.append(f"decimal sign: {columns.decimal.evidence}, and {columns.decimal.doubt}")
    for role in ("price", "line_total"):
        if role in roles.fields:
            name = roles.fields[role].name
            below = int((columns.given(name) < 0).sum())
            if below:
                notes.append(f"{name} is negative in {below:,} rows")
            signs = int(columns.frame[name].dropna().str.contains(r"[€$£¥]|[A-Z]{3}").sum())
            if signs:
                notes.append(f"{name} has currency signs in {signs:,} rows: have it exported as plain numbers")
    for role in ("customer_id", "session_id"):
        if role in roles.fields and len(columns.counts(roles.fields[role].name)) > 20:
            (value, most), (_, second) = columns.counts(roles.fields[role].name).most_common(2)
            if most > columns.rows / 10 and most > 10 * second:
                notes.append(
                    f"{roles.fields[role].name} is {value!r} in {most / columns.rows:.0%} of rows: nobody's id? then deliver it empty"
                )
    return [*notes, *_closed_days(roles)]


def _closed_days(roles: Roles) -> list[str]:
    """Return a sentence about weekdays without a row in at least three weeks."""
    stamps = roles.stamps()
    if stamps is None or (stamps.max() - stamps.min()).days < 21:
        return []
    closed = sorted(set(range(7)) - set(stamps.dropna().dt.weekday))
    if not closed:
        return []
    named = [("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day] for day in closed]
    return [f"no row on {', '.join(named)}: if the shop is closed then, say calendar: {{closed: [{', '.join(named)}]}}"]


def _put_decimal(lines: _Lines, roles: Roles) -> None:
    """Say the decimal sign where the source has a key for it."""
    decimal = roles.columns.decimal
    if decimal.sign == "," or decimal.doubt:
        if "decimal" in Source.model_fields:
            lines.put("decimal", decimal.sign, decimal.evidence, decimal.doubt)
        else:
            lines.comment(
                f"the decimal sign is {decimal.sign} ({decimal.evidence}): have numbers written with a point", todo=True
            )


def _put_time(lines: _Lines, roles: Roles) -> None:
    times = roles.times
    if times is None:
        return
    said, doubt = times.evidence, times.doubt
    if times.unit:
        lines.put("time_unit", times.unit, said)
    formats = times.formats
    if roles.clock:
        dates = formats or ("%Y-%m-%d",)
        formats = tuple(f"{one} {other}" for one in dates for other in roles.clock.formats)
        if not times.formats and set(roles.clock.formats) <= {"%H:%M", "%H:%M:%S"}:
            formats = ()
    if formats:
        lines.put("time_format", formats[0] if len(formats) == 1 else list(formats), said, doubt)


def _put_columns(lines: _Lines, roles: Roles) -> dict[str, tuple[str, str | None]]:
    """Write the columns; return their types: value to (ours, what is open)."""
    fields = roles.fields
    types: dict[str, tuple[str, str | None]] = {}
    if "event_type" in fields:
        told, open_ = types_of(roles.columns.counts(fields["event_type"].name))
        types = {value: (ours, None) for value, ours in told.items()}
        types |= {value: ("other", words) for value, words in open_.items()}
    else:
        sold = {"order_id", "quantity", "price", "line_total"} & set(fields)
        lines.put("constants")
        words = "no column says what happened" + (
            f", {' and '.join(sorted(sold))} are those of purchases" if sold else ""
        )
        lines.put("event_type", "purchase" if sold else "view", words, None if sold else "view or purchase?", depth=1)
    lines.put("columns")
    for name in sorted(fields, key=lambda one: ORDER.index(one) if one in ORDER else len(ORDER)):
        found = fields[name]
        value = found.columns[0] if len(found.columns) == 1 else list(found.columns)
        lines.put(name, value, found.evidence, found.doubt, depth=1)
    left = roles.free()
    if left:
        lines.comment(f"not read: {', '.join(left[:40])}; name them under keep to store them")
    return types


def _put_types(lines: _Lines, types: dict[str, tuple[str, str | None]]) -> None:
    needed = {value: said for value, said in types.items() if value != said[0] or said[1]}
    if needed:
        lines.put("event_types")
        for value, (ours, open_) in needed.items():
            lines.put(value, ours, None, f"what is it? {open_}" if open_ else None, depth=1)


def _put_rules(lines: _Lines, roles: Roles) -> None:
    rules: list[tuple[str, Any, str]] = []
    columns, fields = roles.columns, roles.fields
    if "quantity" in fields:
        units = columns.given(fields["quantity"].name)
        below, none = int((units < 0).sum()), int((units == 0).sum())
        if below:
            rules.append(("negative_quantity", "return", f"{below:,} rows of the sample"))
        if none:
            rules.append(("zero_quantity", "other", f"{none:,} rows of the sample: kept, nobody bought a unit"))
    if "line_discount" in fields and "negative_discount" in Rules.model_fields:
        taken = np.concatenate([columns.given(name) for name in fields["line_discount"].columns])
        if (taken < 0).any() and not (taken > 0).any():
            rules.append(("negative_discount", "amount", "what is taken off is written as a negative number"))
    mails = [
        name
        for name in ("customer_id",)
        if name in fields and name in TEXT_FIELDS and _mails(columns.frame[fields[name].name])
    ]
    if mails:
        rules.append(("lowercase", mails, "mail addresses: one customer however it was typed"))
    if rules:
        lines.put("rules")
        for name, value, said in rules:
            lines.put(name, value, said, depth=1)


def _mails(values: Any) -> bool:
    return bool(values.dropna().str.contains("@").mean() > 0.5)
