"""What the columns of a stranger's table are: numbers, yes or no, dates, or categories; and what of them could not be read."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import pandas as pd

from customer_behavior.data_quality.usability.finding import Finding, numbered
from customer_behavior.errors import BadInputError
from customer_behavior.training.table.numbers import read_numbers
from customer_behavior.training.table.times import stamps_of

YES, NO = ("1", "1.0", "true", "t", "yes", "y"), ("0", "0.0", "false", "f", "no", "n")
NOTHING = frozenset(
    (
        "",
        "-",
        "--",
        "–",
        "—",
        "?",
        ".",
        "n/a",
        "#n/a",
        "#na",
        "na",
        "nan",
        "-nan",
        "<na>",
        "null",
        "none",
        "nil",
        "nat",
        "\\n",
    )
)
"""Words, in lower case, for "no value"."""
MOSTLY = 0.8
"""Share of a kind from which a column is of that kind, and the other values are missing ones."""
HARDLY = 0.2
"""Share of numbers, or of dates, up to which a column is of texts."""
CODES = 50
"""Different values up to which a column of half numbers, half texts is one of codes."""
LARGEST = float(np.finfo(np.float32).max)
SHOWN, LENGTH = 3, 40


@dataclass(frozen=True)
class Feature:
    """A column as models read it: float32, or texts with None; and what was found in it."""

    values: pd.Series
    findings: tuple[Finding, ...] = ()


def read_feature(name: str, column: pd.Series) -> Feature:
    """Return a column as models read it: numbers, yes (1) or no (0), times as seconds since 1970 (UTC), or categories.

    Texts among numbers or dates are missing values, with a finding that counts and names them.

    Raises
    ------
    BadInputError
        When a column is half numbers, half texts, or its numbers contradict each other.
    """
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if pd.api.types.is_datetime64_any_dtype(column):
        return Feature(_seconds(column))
    if pd.api.types.is_timedelta64_dtype(column):
        return Feature(column.dt.total_seconds().astype(np.float32))
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column):
        return _of_numbers(name, column.astype("float64"))
    return _of_texts(name, texts_of(column))


def texts_of(column: pd.Series) -> pd.Series:
    """Return the values as texts without spaces around them, None where there is no value, or a word for none.

    Lists and objects are JSON, dates are ISO 8601, whole numbers have no decimals.
    """
    values = [_text(value) for value in column.astype(object)]
    return pd.Series(
        [None if text is None or text.lower() in NOTHING else text for text in values], column.index, object
    )


def answers_of(texts: pd.Series) -> pd.Series | None:
    """Return yes (1.0) and no (0.0), NaN where there is no value; None when a text is another word."""
    lower = texts.str.lower()
    if not lower.dropna().isin([*YES, *NO]).all():
        return None
    return lower.isin(YES).astype(np.float32).where(lower.notna())


def quoted(values: Iterable[str], counts: Sequence[int] | None = None) -> str:
    """Return the first few values as a sentence has them, with how often each is there."""
    texts = list(values)
    shown = [repr(_short(text)) for text in texts[:SHOWN]]
    if counts is not None:
        shown = [f"{text} ({counts[place]:,})" for place, text in enumerate(shown)]
    more = len(texts) - SHOWN
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def _of_texts(name: str, texts: pd.Series) -> Feature:
    known = texts.dropna()
    if known.empty:
        return Feature(pd.Series(np.nan, texts.index, np.float32))
    answers = answers_of(texts)
    if answers is not None:
        return Feature(answers.astype(np.float32))
    counts = known.value_counts()
    different = list(counts.index)
    numbers = read_numbers(name, different) if known.str.contains(r"\d").any() else None
    if numbers is not None:
        is_number = pd.Series(~np.isnan(numbers.values), counts.index)
        share = float(counts[is_number].sum() / counts.sum())
        if share >= MOSTLY:
            read = _of_numbers(name, texts.map(dict(zip(different, numbers.values, strict=True))).astype("float64"))
            findings = [*_left(name, counts[~is_number], "number"), *_written(name, numbers.said), *read.findings]
            return Feature(read.values, tuple(findings))
        stamps = stamps_of(different)
        is_date = pd.Series(stamps.notna().to_numpy(), counts.index) & ~is_number
        dates = float(counts[is_date].sum() / counts.sum())
        if dates >= MOSTLY:
            return Feature(
                _seconds(texts.map(dict(zip(different, stamps, strict=True)))),
                tuple(_left(name, counts[~is_date], "date")),
            )
        if max(share, dates) > HARDLY and len(different) > CODES:
            of, kind = (is_number, "numbers") if share >= dates else (is_date, "dates")
            raise BadInputError(
                f"column {name}: {int(counts[of].sum()):,} values are {kind}, as {quoted([counts[of].index[0]])}, and"
                f" {int(counts[~of].sum()):,} are not, as {quoted([counts[~of].index[0]])}: what it means cannot be told; correct it, or"
                f" leave it out (--leave-out {name!r})"
            )
    return Feature(texts)


def _of_numbers(name: str, values: pd.Series) -> Feature:
    """Return the numbers as float32; what has no end, or is too large for it, is missing."""
    endless = values.abs() > LARGEST
    findings = []
    if endless.any():
        findings.append(
            Finding(
                "warning",
                "endless_numbers",
                f"{numbered(int(endless.sum()), 'value')} of {name} are infinite, or larger than {LARGEST:.1e}: they count as missing",
                "write what is not known as an empty cell",
                {"column": name, "rows": int(endless.sum())},
            )
        )
    read = values.mask(endless)
    known = read.dropna()
    if len(known) > CODES and known.is_unique and (known % 1 == 0).all():
        findings.append(
            Finding(
                "warning",
                "column_of_ids",
                f"{name} is a whole number of its own in each row: it looks like a number that names the row",
                f"leave it out (--leave-out {name!r}), if it is",
                {"column": name},
            )
        )
    return Feature(read.astype(np.float32), tuple(findings))


def _left(name: str, counts: pd.Series, kind: str) -> list[Finding]:
    """Return what was found of the values that are not of the column's kind, most frequent first."""
    if counts.empty:
        return []
    rows = int(counts.sum())
    said = "is no {}: {}; it counts as missing" if rows == 1 else "are no {}: {}; they count as missing"
    return [
        Finding(
            "warning",
            "texts_among_values",
            f"{numbered(rows, 'value')} of {name} {said.format(kind, quoted(counts.index, counts.to_list()))}",
            "correct them, or write what is not known as an empty cell; a column that is meant as categories needs texts alone",
            {
                "column": name,
                "rows": rows,
                "values": {_short(str(text)): int(count) for text, count in counts.head(20).items()},
            },
        )
    ]


def _written(name: str, said: Sequence[str]) -> list[Finding]:
    if not said:
        return []
    fix = f"if that is not what is meant, write the numbers of {name} as 1234.5"
    return [
        Finding("note", "numbers_as_written", f"{name} is read as numbers: {', '.join(said)}", fix, {"column": name})
    ]


def _seconds(column: pd.Series) -> pd.Series:
    stamps = pd.to_datetime(column, utc=True)
    return (stamps - pd.Timestamp(0, tz="UTC")).dt.total_seconds().astype(np.float32)


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode(errors="replace").strip()
    if isinstance(value, dict | list | tuple | set | np.ndarray):
        return json.dumps(value if isinstance(value, dict | list) else list(value), default=str, sort_keys=False)
    if value is None or value is pd.NaT or value is pd.NA or value != value:  # NaN, as a float or a Decimal
        return None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return f"{value:.0f}"
    return str(value).strip()


def _short(text: str) -> str:
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…"
