"""When the rows of a table were known: its time column, in whatever way it is written."""

import re
from collections.abc import Sequence
from typing import Literal

import pandas as pd

from customer_behavior.errors import BadInputError

CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?")
BY_SIGNS = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})\b.*", re.DOTALL)
YEAR = re.compile(r"(?<![+\d])(?:19|2[01])\d{2}(?!\d)|(?<!\d)(?:19|2[01])\d{6}(?!\d)")
FIRST_YEAR, LAST_YEAR = 1900, 2199
Unit = Literal["s", "ms", "us", "ns"]
SINCE_1970: tuple[tuple[Unit, float, float], ...] = (
    ("s", 1e8, 1e10),
    ("ms", 1e11, 1e13),
    ("us", 1e14, 1e16),
    ("ns", 1e17, 1e19),
)
"""Units of numbers since 1970, and the sizes that they have from 1973 to 2286."""


def stamps_of(texts: Sequence[str]) -> pd.Series:
    """Return texts as stamps in UTC, NaT where one is no time of a day of a year; day first where points part the numbers."""
    found = pd.Series(pd.NaT, range(len(texts)), dtype="datetime64[us, UTC]")
    series = pd.Series(list(texts), range(len(texts)), dtype=object)
    dated = series.map(_has_year).astype(bool)
    parted = series.map(BY_SIGNS.fullmatch)
    days_lead = any(match is not None and int(match[1]) > 12 for match in parted)
    leads = parted.map(lambda match: match is not None and (days_lead or match[2] == ".")).astype(bool)
    for day_first in (False, True):
        chosen = dated & (leads == day_first)
        if chosen.any():
            read = pd.to_datetime(series[chosen], errors="coerce", utc=True, format="mixed", dayfirst=day_first)
            found[chosen] = read.astype("datetime64[us, UTC]")
    return found.where(found.dt.year.between(FIRST_YEAR, LAST_YEAR))


def read_stamps(name: str, column: pd.Series, texts: pd.Series) -> pd.Series:
    """Return a time column as stamps in UTC, NaT where it has no value.

    Numbers are seconds, milliseconds, microseconds or nanoseconds since 1970, or days as YYYYMMDD, by their size.

    Parameters
    ----------
    texts
        the column's values as `texts_of` gives them

    Raises
    ------
    BadInputError
        When a value cannot be read as a time, carries no year, or days and months cannot be told apart.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        return pd.to_datetime(column, utc=True)
    known = texts.dropna()
    different = list(known.unique())
    numbers = pd.to_numeric(pd.Series(different, dtype=object), errors="coerce")
    if different and numbers.notna().all():
        stamps = _since_1970(numbers)
    else:
        _one_order(name, different)
        stamps = stamps_of(different)
    bad = known[~known.isin([text for text, stamp in zip(different, stamps, strict=True) if pd.notna(stamp)])]
    if len(bad):
        first = str(bad.iloc[0])
        raise BadInputError(
            f"column {name}: {first!r} in row {int(bad.index[0]) + 1} cannot be read as a time{_why(first)}; {len(bad)} rows are like"
            " it; write days as 2024-05-31, with the time behind it if there is one"
        )
    return pd.to_datetime(texts.map(dict(zip(different, stamps, strict=True))), utc=True)


def _since_1970(numbers: pd.Series) -> pd.Series:
    largest = float(numbers.abs().max())
    if numbers.between(FIRST_YEAR * 10_000, LAST_YEAR * 10_000).all():
        days = numbers.astype("int64").astype(str)
        return pd.to_datetime(days, errors="coerce", utc=True, format="%Y%m%d")
    unit = next((unit for unit, low, high in SINCE_1970 if low <= largest < high), None)
    if unit is None:
        return pd.Series(pd.NaT, numbers.index, dtype="datetime64[us, UTC]")
    return pd.to_datetime(numbers, errors="coerce", utc=True, unit=unit)


def _why(text: str) -> str:
    if pd.notna(pd.to_numeric(text, errors="coerce")):
        return ", since a number is seconds (ms, us, ns) from 1970 on, or a day as 20240531"
    if not any(map(str.isdigit, text)):
        return ""
    if not _has_year(text):
        return f", since it names no year from {FIRST_YEAR} to {LAST_YEAR}"
    return ", since there is no such day or time"


def _has_year(text: str) -> bool:
    """Return whether a text names a day of a year: other readers take today's year, or day, for what is missing."""
    if text.replace(".", "", 1).isdigit():
        return re.fullmatch(r"(19|2[01])\d{6}", text) is not None
    return bool(YEAR.search(CLOCK.sub(" ", text)) or BY_SIGNS.fullmatch(text))


def _one_order(name: str, texts: Sequence[str]) -> None:
    """Raise BadInputError where 01/02/2024 cannot be told from 02/01/2024."""
    parted = [(text, found) for text in texts if (found := BY_SIGNS.fullmatch(text)) and found[2] != "."]
    days = [text for text, found in parted if int(found[1]) > 12]
    months = [text for text, found in parted if int(found[3]) > 12]
    if parted and bool(days) == bool(months):
        seen = (
            f"{days[0]!r} begins with a day, {months[0]!r} with a month"
            if days
            else f"{parted[0][0]!r} may begin with either"
        )
        raise BadInputError(f"column {name}: days and months cannot be told apart, {seen}; write days as 2024-05-31")
