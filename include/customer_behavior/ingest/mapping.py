"""Mapping a block of text columns to events, and refusing the rows that cannot be one."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from customer_behavior.errors import BadInputError
from customer_behavior.ingest.reading import Block, Refusal
from customer_behavior.ingest.source import EVENT_TYPES, TEXT_FIELDS, Source

MAX_AMOUNT = 1e12
EVENT_COLUMNS = [
    "event_time", "event_day", "event_type", *TEXT_FIELDS, "quantity", "price", "discount", "attributes", "line",
]  # fmt: skip


@dataclass(frozen=True)
class MappedBlock:
    """Events of a block (a frame with EVENT_COLUMNS, stamps in UTC) and the rows refused."""

    events: pd.DataFrame
    refusals: list[Refusal]


class _Marks:
    """The first reason found against each row."""

    def __init__(self, rows: int) -> None:
        self.reason = np.full(rows, None, dtype=object)
        self.detail = np.full(rows, None, dtype=object)

    def against(self, bad: np.ndarray, reason: str, column: str, values: pd.Series, words: str) -> None:
        new = bad & pd.isna(self.reason)
        if new.any():
            self.reason[new] = reason
            self.detail[new] = [f"{column} is {_shown(value)}: {words}" for value in values[new]]


def _shown(value: object) -> str:
    return "empty" if value is None or value is pd.NA or value != value else repr(str(value)[:100])


def check_header(source: Source, columns: list[str], where: str) -> None:
    """Raise BadInputError naming the first mapped column that the file lacks, and those it has."""
    for name, column in source.columns.items():
        for wanted in (column,) if isinstance(column, str) else column:
            if wanted not in columns:
                raise BadInputError(
                    f"{where}: column {wanted!r}, mapped to {name} in include/sources/{source.name}.yaml, is not in the file; "
                    f"its columns are {', '.join(columns)}"
                )


def map_block(source: Source, block: Block, batch_date: date, shop_zone: ZoneInfo) -> MappedBlock:
    """Return the events of a block and the rows refused, each with its reason.

    Parameters
    ----------
    source : Source
        What the columns mean.
    block : Block
        Records as text.
    batch_date : date
        An event outside [batch_date - max_lateness, batch_date + 1 day] in shop-local days is refused.
    shop_zone : ZoneInfo
        Decides event_day.
    """
    raw = block.table.to_pandas(types_mapper=lambda _: pd.StringDtype("pyarrow", na_value=np.nan))
    rows = len(raw)
    marks = _Marks(rows)
    out = pd.DataFrame(index=raw.index)

    def given(field: str) -> pd.Series | None:
        if field in source.columns:
            return raw[source.columns[field]].str.strip().replace("", None)
        if field in source.constants:
            return pd.Series(source.constants[field], index=raw.index, dtype=object)
        return None

    stamps = given("event_time")
    assert stamps is not None
    marks.against(stamps.isna().to_numpy(), "time_missing", "event_time", stamps, "every event needs a time")
    out["event_time"] = parse_stamps(stamps, source.zone)
    marks.against(out["event_time"].isna().to_numpy(), "time_unreadable", "event_time", stamps, "not read as a time")
    local = out["event_time"].dt.tz_convert(shop_zone).dt.tz_localize(None)
    out["event_day"] = local.dt.normalize()
    first, last = (
        pd.Timestamp(batch_date - timedelta(days=source.max_lateness_days)),
        pd.Timestamp(batch_date + timedelta(days=1)),
    )
    outside = ((out["event_day"] < first) | (out["event_day"] > last)).to_numpy()
    marks.against(
        outside, "time_outside_batch", "event_time", stamps,
        f"outside {first:%Y-%m-%d} to {last:%Y-%m-%d}, the days this batch may deliver (max_lateness_days)",
    )  # fmt: skip

    for name in TEXT_FIELDS:
        values = given(name)
        out[name] = values if values is not None else None
    if source.customer_namespace:
        out["customer_id"] = source.customer_namespace + ":" + out["customer_id"]
    nobody = (out["customer_id"].isna() & out["session_id"].isna()).to_numpy()
    marks.against(nobody, "nobody", "customer_id", out["customer_id"], "and there is no session either")

    types = given("event_type")
    assert types is not None
    known = {**{name: name for name in EVENT_TYPES}, **source.event_types}
    out["event_type"] = types.map(known)
    marks.against(
        out["event_type"].isna().to_numpy(), "type_unknown", "event_type", types,
        "not one of the platform's types, nor mapped under event_types",
    )  # fmt: skip

    out["quantity"] = _quantity(given("quantity"), source, out, marks)
    out["price"] = _amount("price", given("price"), given("line_total"), out["quantity"], marks)
    discounts = source.columns.get("line_discount", ())
    parts = [discounts] if isinstance(discounts, str) else list(discounts)
    total = (
        sum((_number(raw[part], part, marks).fillna(0) for part in parts), pd.Series(0.0, raw.index)) if parts else None
    )
    out["discount"] = _amount("discount", given("discount"), total, out["quantity"], marks)
    out["attributes"] = _attributes(raw, source)
    out["line"] = block.lines

    bad = ~pd.isna(marks.reason)
    refusals = list(block.refusals)
    if bad.any():
        text = block.text
        refusals += [
            Refusal(int(block.lines[i]), marks.reason[i], marks.detail[i], text[i][:10_000])
            for i in np.flatnonzero(bad)
        ]
    return MappedBlock(out.loc[~bad, EVENT_COLUMNS], refusals)


def parse_stamps(values: pd.Series, zone: ZoneInfo) -> pd.Series:
    """Return stamps in UTC; what is no stamp becomes missing.

    ISO 8601 with or without an offset is read, and a trailing " UTC". A naive stamp is taken in `zone`; in the hour that the
    autumn clock change repeats it is taken as the first, in the hour that spring skips as the moment of the change.
    """
    text = values.str.removesuffix(" UTC")
    stamps = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
    naive = ~values.str.contains(r"(?:Z|UTC|[+-]\d{2}:?\d{2})$", regex=True, na=False)
    if str(zone) != "UTC" and naive.any():
        # A first reading in UTC gave the wall clock; put the zone on it instead.
        wall = stamps[naive].dt.tz_localize(None)
        placed = wall.dt.tz_localize(zone, ambiguous=np.ones(len(wall), bool), nonexistent="shift_forward")
        stamps = stamps.where(~naive, placed.dt.tz_convert("UTC").reindex(stamps.index))
    return stamps


def _number(values: pd.Series, column: str, marks: _Marks) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    bad = (numbers.isna() & values.notna()) | (numbers.abs() > MAX_AMOUNT)
    marks.against(bad.to_numpy(), "number_unreadable", column, values, "not a number that an amount can be")
    return numbers


def _quantity(values: pd.Series | None, source: Source, out: pd.DataFrame, marks: _Marks) -> pd.Series:
    if values is None:
        return pd.Series(1.0, index=out.index)
    numbers = _number(values, "quantity", marks).fillna(1.0)
    negative, zero = numbers < 0, numbers == 0
    if source.rules.negative_quantity == "return":
        out.loc[negative & (out["event_type"] == "purchase"), "event_type"] = "return"
        numbers = numbers.abs()
    else:
        marks.against(
            negative.to_numpy(), "quantity_negative", "quantity", values, "set rules.negative_quantity: return"
        )
    if source.rules.zero_quantity == "other":
        out.loc[zero, "event_type"] = "other"
    else:
        marks.against(
            zero.to_numpy(), "quantity_zero", "quantity", values, "set rules.zero_quantity: other to keep such lines"
        )
    return numbers


def _amount(
    name: str, unit: pd.Series | None, total: pd.Series | None, quantity: pd.Series, marks: _Marks
) -> pd.Series:
    """Return an amount per unit, from itself or from the total of the line."""
    if unit is not None:
        numbers = _number(unit, name, marks)
    elif total is not None:
        # A return's total is often negative like its quantity; a line of no units has no price.
        numbers = (_number(total, f"line {name}", marks).abs() / quantity).where(quantity > 0)
    else:
        return pd.Series(np.nan, index=quantity.index)
    given = unit if unit is not None else total
    assert given is not None
    marks.against((numbers < 0).to_numpy(), f"{name}_negative", name, given, "an amount is 0 or more")
    return numbers


def _attributes(raw: pd.DataFrame, source: Source) -> pd.Series | None:
    keep = [column for column in source.keep if column in raw.columns]
    if not keep:
        return None
    records = raw[keep].astype(object).where(raw[keep].notna(), None).to_dict("records")
    return pd.Series([json.dumps(record, ensure_ascii=False) for record in records], index=raw.index)
