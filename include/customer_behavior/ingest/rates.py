"""Exchange rates: what one unit of a foreign currency was worth on a day, from the file that shop.yaml names."""

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from customer_behavior.errors import BadInputError, ConfigurationError
from customer_behavior.ingest.source import Source
from customer_behavior.settings import Shop

COLUMNS = ("day", "currency", "rate")
SCHEMA = pa.schema([("day", pa.date32()), ("currency", pa.string()), ("rate", pa.float64())])


@dataclass(frozen=True)
class Exchange:
    """What a source's amounts are converted with.

    Attributes
    ----------
    currency : str
        The shop's own.
    table : pyarrow.Table of day, currency, rate
        `rate` is in units of the shop's currency for one unit of `currency`.
    max_age_days : int
        How many days a rate serves after its own.
    remedy : str
        Where a missing rate is to be added.
    """

    currency: str
    table: pa.Table
    max_age_days: int
    remedy: str


def exchange_of(source: Source, shop: Shop, landing: Path) -> Exchange | None:
    """Return what a source's amounts are converted with; None when all of them are in the shop's currency.

    Raises
    ------
    ConfigurationError
        When the source is in a foreign currency and the shop names no rates.
    BadInputError
        When the file of rates is missing or wrong; the message names it and the line.
    """
    foreign = source.currency != shop.currency
    if not foreign and "currency" not in source.columns:
        return None
    named = shop.exchange_rates
    if named is None:
        if foreign:
            raise ConfigurationError(
                f"include/sources/{source.name}.yaml: currency is {source.currency}, the shop's is {shop.currency}; name a file of "
                "rates in shop.yaml, as exchange_rates: {path: exchange_rates.csv}, or correct currency, if the file's amounts are "
                f"in {shop.currency}"
            )
        return Exchange(
            shop.currency, SCHEMA.empty_table(), 0, "name a file of rates under exchange_rates in shop.yaml"
        )
    rates = read_rates(landing / named.path)
    return Exchange(shop.currency, rates, named.max_age_days, f"add one to {named.path}, then replay-rejects")


def read_rates(path: Path) -> pa.Table:
    """Return the rates of a CSV file with the columns day, currency and rate.

    Raises
    ------
    BadInputError
        When the file cannot be read, lacks a column, or has a line that is no rate; the message names the line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: the exchange rates cannot be read ({error}); land it as UTF-8 text") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise BadInputError(f"{path} line 1: no column {missing[0]!r}; the first line must name {', '.join(COLUMNS)}")
    lines: dict[tuple[date, str], int] = {}
    rates: list[float] = []
    for line, day, currency, rate in _rows(reader, path):
        if (day, currency) in lines:
            raise BadInputError(
                f"{path} line {line}: {currency} on {day} stands on line {lines[day, currency]} already; remove one of them"
            )
        lines[day, currency] = line
        rates.append(rate)
    days, currencies = [day for day, _ in lines], [currency for _, currency in lines]
    return pa.table([days, currencies, rates], schema=SCHEMA)


def _rows(reader: csv.DictReader, path: Path) -> Iterator[tuple[int, date, str, float]]:
    for row in reader:
        day, currency, rate = ((row[name] or "").strip() for name in COLUMNS)
        where = f"{path} line {reader.line_num}"
        try:
            known = date.fromisoformat(day)
        except ValueError as error:
            raise BadInputError(f"{where}: day is {day!r}; write it like 2024-03-05") from error
        if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
            raise BadInputError(f"{where}: currency is {currency!r}; write its three letters, like EUR")
        try:
            number = float(rate)
        except ValueError as error:
            raise BadInputError(f"{where}: rate is {rate!r}; write a number with a decimal point") from error
        if not (math.isfinite(number) and number > 0):
            raise BadInputError(f"{where}: rate is {rate!r}; a rate is more than 0")
        yield reader.line_num, known, currency, number
