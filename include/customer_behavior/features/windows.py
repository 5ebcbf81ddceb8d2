"""The SQL of a snapshot's windows, made from `features.yaml`.

A window of N days is the sum of the bands of days within it, so that every row of features.customer_day is added up once, not once
a window. Two statements are made: `bands`, what each customer did in each band of days, and `insert`, which adds bands up to windows,
takes what `sql/features/snapshot/` says of other kinds, and writes features.customer_snapshot by the names of its columns.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from customer_behavior.ingest.customer_day import AMOUNTS
from customer_behavior.settings import Feature
from customer_behavior.warehouse import sql_text

KINDS_OF_THEIR_OWN = ("rhythm", "purchase_days", "hours", "favourites", "bots", "known")
# What can be added up beside the columns of features.customer_day.
DERIVED = {"weekend_events": "sum(daily.events) FILTER (WHERE extract(ISODOW FROM daily.event_day) >= 6)"}
WIDE = frozenset({"session_seconds"})  # sums of a band that an integer may not hold


@dataclass(frozen=True, order=True)
class Window:
    """A column of features.customer_day over a window: added up, at its highest, or as the newest day has it."""

    column: str
    days: int
    aggregate: str = "sum"

    @property
    def in_bands(self) -> str:
        """The column's name in bands."""
        return self.column if self.aggregate == "sum" else f"{self.column}_{self.aggregate}"

    @property
    def name(self) -> str:
        """The window's name in windows."""
        return f"{self.in_bands}_{self.days}d"

    @property
    def band(self) -> str:
        """The expression of a band, over rows of features.customer_day."""
        if self.aggregate == "max":
            return f"max(daily.{self.column})"
        if self.aggregate == "newest":  # four digits that grow with the day stand before the text
            return f'max((cast(10000 - (:as_of - daily.event_day) AS text) || daily.{self.column}) COLLATE "C")'
        total = DERIVED.get(self.column, f"sum(daily.{self.column})")
        return total if self.column in AMOUNTS else f"cast({total} AS {'bigint' if self.column in WIDE else 'integer'})"

    def over(self, longest: int) -> str:
        """Return the expression of the window, over rows of bands."""
        within = f" FILTER (WHERE bands.band <= {self.days})" if self.days < longest else ""
        if self.aggregate == "max":
            return f"max(bands.{self.in_bands}){within}"
        if self.aggregate == "newest":
            return f"substr(max(bands.{self.in_bands}){within}, 5)"
        total = f"coalesce(sum(bands.{self.in_bands}){within}, 0)"
        # Amounts are rounded to what customer_day keeps of them, which makes their sums exact.
        return f"round({total} * 10000) / 10000" if self.column in AMOUNTS else total


def windows_of(feature: Feature) -> list[Window]:
    """Return the windows that a feature is made of; none: SQL of its own makes it."""
    days = feature.window_days
    if feature.aggregate is None or days is None:
        return []
    if feature.aggregate in ("max", "newest"):
        return [Window(feature.source[-1], days, feature.aggregate)]
    windows = [Window(column, days) for column in feature.source]
    return windows + [Window(column, feature.baseline_days) for column in feature.source if feature.baseline_days]


EXPRESSIONS: dict[str, Callable[[list[Window]], str]] = {
    "sum": lambda windows: f"coalesce(known.{windows[0].name}, 0)",
    "max": lambda windows: f"known.{windows[0].name}",
    "newest": lambda windows: f"known.{windows[0].name}",
    "ratio": lambda windows: f"known.{windows[0].name}::double precision / nullif(known.{windows[1].name}, 0)",
    "trend": lambda windows: "{} / nullif({}, 0)".format(
        *(f"(known.{window.name} / {window.days}.0::double precision)" for window in windows)
    ),
}


def bands_sql(features: Iterable[Feature]) -> str:
    """Return the query of the temporary table bands: what each customer did in each band of days before `:as_of`."""
    windows = _windows(features)
    *lengths, longest = sorted({window.days for window in windows})
    cases = "\n".join(f"        WHEN daily.event_day >= :as_of - {days} THEN {days}" for days in lengths)
    bands = {window.in_bands: window.band for window in windows}
    columns = ",\n".join(f"    {expression} AS {name}" for name, expression in bands.items())
    return f"""\
SELECT
    daily.customer_id,
    CASE
{cases}
        ELSE {longest}
    END AS band,
{columns}
FROM features.customer_day AS daily
WHERE
    daily.event_day >= :as_of - {longest} AND daily.event_day < :as_of AND daily.batch_date < :as_of
    AND (daily.superseded_on IS NULL OR daily.superseded_on >= :as_of)
GROUP BY daily.customer_id, band"""


def insert_sql(features: dict[str, Feature]) -> str:
    """Return the INSERT of every customer known at `:as_of`, from the temporary tables lifetime, bands and purchases.

    Parameters
    ----------
    features : dict[str, Feature]
        Every column of features.customer_snapshot but its key.
    """
    windows = _windows(features.values())
    longest = max(window.days for window in windows)
    sums = ",\n".join(f"    {window.over(longest)} AS {window.name}" for window in windows)
    queries = {
        "windows": f"SELECT\n    bands.customer_id AS window_customer,\n{sums}\nFROM bands\nGROUP BY bands.customer_id"
    } | {name: sql_text(f"features/snapshot/{name}").text.strip() for name in KINDS_OF_THEIR_OWN}
    tables = ",\n\n".join(f"{name} AS (\n{query}\n)" for name, query in queries.items())
    values = ",\n".join(f"    {_value(name, feature)} AS {name}" for name, feature in features.items())
    return f"""\
INSERT INTO features.customer_snapshot (as_of_date, customer_id, {", ".join(features)})
WITH {tables}

SELECT
    :as_of AS as_of_date,
    known.customer_id,
{values}
FROM known"""


def _value(name: str, feature: Feature) -> str:
    return EXPRESSIONS[feature.aggregate](windows_of(feature)) if feature.aggregate else f"known.{name}"


def _windows(features: Iterable[Feature]) -> list[Window]:
    """Return the windows of features and those that SQL of its own names, each once."""
    written = "\n".join(sql_text(f"features/snapshot/{name}").text for name in KINDS_OF_THEIR_OWN)
    named = [Window(column, int(days)) for column, days in re.findall(r"\bwindows\.([a-z_]+)_(\d+)d\b", written)]
    return sorted({window for feature in features for window in windows_of(feature)} | set(named))
