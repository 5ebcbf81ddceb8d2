"""A check of a file in lines for a person."""

from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path

from customer_behavior.asof import ONE_DAY
from customer_behavior.ingest.check import Report
from customer_behavior.ingest.hours import night
from customer_behavior.ingest.source import Source


def lines_of(report: Report, source: Source, path: Path) -> list[str]:
    """Return a report as lines for a person."""
    batch = f"batch {report.batch_date or 'unknown'}"
    if report.history:
        batch = "a history: each row judged as of the batch of its own day"
    said = [f"{path} as source {source.name} ({source.format}), {batch}", "", "columns"]
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
            what = f"MISSING, {report.missing[column]}{hint}"
        elif column in targets:
            absent = "" if column in report.columns or "." in column else "  (not in the file, optional)"
            what = "→ " + ", ".join(targets[column]) + absent
        else:
            what = "kept in attributes" if column in source.keep else "ignored"
            what = "a row for each item" if column == source.explode else what
        said.append(f"  {column:<28} {what}")
    if not report.missing:
        said += _rows(report, source)
    return [*said, "", _verdict(report)]


def _verdict(report: Report) -> str:
    if report.missing:
        return "NOT USABLE: mapped columns are missing"
    if report.refused:
        return f"NOT USABLE: {report.refused}"
    if not report.rows:
        return "this file would be loaded, as an empty day: it has no rows"
    return "this file would be loaded"


def _rows(report: Report, source: Source) -> list[str]:
    said = ["", "first events"]
    said += [
        f"  line {row['line']}: " + ", ".join(f"{k}={v}" for k, v in row.items() if k != "line" and v is not None)
        for row in report.first
    ]
    repeats = f"{report.alike:,} identical to another"
    if report.duplicate:
        repeats = f"{report.duplicate:,} duplicates of another, set aside"
    said += [
        "",
        f"rows: {report.rows:,} read, {report.accepted:,} accepted, {report.rejected:,} rejected, {repeats}",
    ]
    if report.nobody:
        done = "not kept" if source.nobody == "drop" else "kept, never scored"
        said.append(
            f"  {'of nobody':<20} {report.nobody:>9,}  neither customer nor session: {done} (nobody: {source.nobody})"
        )
    said += [f"  ids mended           {count:>9,}  {name}" for name, count in report.mended.most_common()]
    said += [f"  {kind:<20} {count:>9,}  money that is no product (charges)" for kind, count in report.charges.items()]
    said += _amounts(report)
    for reason, count in report.reasons.most_common():
        example = report.examples[reason]
        said += [
            f"  {reason:<20} {count:>9,}  e.g. line {example.line}: {example.detail}",
            f"    {example.raw_text[:160]!r}",
        ]
    if report.ids:
        said += ["", "ids", *(f"  {finding.field}: {finding.sentence}" for finding in report.ids)]
    if report.days:
        first, last = min(report.days), max(report.days)
        span = (first + timedelta(days=n) for n in range((last - first) // ONE_DAY + 1))
        gaps = [str(day) for day in span if day not in report.days and not source.calendar.is_closed(day)]
        said += ["", f"days: {first} to {last}" + (f"; none on {', '.join(gaps[:10])}" if gaps else ", without a gap")]
        said += [f"  {day}  {count:>9,}" for day, count in list(report.days.items())[:31]]
    return [*said, "", f"timezone: stamps without a zone are taken as {source.timezone}", f"  {_hours(report, source)}"]


def _amounts(report: Report) -> list[str]:
    if not report.amounts:
        return []
    return [
        "  codes without a price per unit, which may be no products: put each under charges, as adjustment or what it is, or",
        "  under charges: product, and it is never asked again",
        *(f"    {amount.sentence}" for amount in report.amounts[:10]),
    ]


def _hours(report: Report, source: Source) -> str:
    ahead, why = night(report.hours)
    if ahead is None:
        return why
    if abs(ahead) <= 2:
        return "the quiet hours are at night: it fits"
    where = "behind" if ahead > 0 else "ahead of"
    return (
        f"the quiet hours are at night {abs(ahead)} hours {where} {source.timezone}: right if customers "
        "live there, else correct timezone"
    )
