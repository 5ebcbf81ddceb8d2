"""Which column is which of our fields: by the values, and by the names where those leave it open."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise, permutations

import numpy as np
import pandas as pd

from customer_behavior.ingest.drafting.columns import MOSTLY, Columns, Found, series_of
from customer_behavior.ingest.drafting.keys import CLAIMED, find_keys
from customer_behavior.ingest.drafting.kinds import speaks
from customer_behavior.ingest.drafting.names import likeness
from customer_behavior.ingest.drafting.times import Times, times_of

NO_AMOUNTS = (
    "lat", "lon", "zip", "plz", "postal", "phone", "year", "age", "rating", "rank", "week", "month", "hour", "percent", "store", "filiale",
    "tax", "mwst", "vat", "score", "weight",
)  # fmt: skip


@dataclass
class Roles:
    """What was found: our field to columns, how the time is said, and sentences for a person."""

    columns: Columns
    fields: dict[str, Found] = field(default_factory=dict)
    times: Times | None = None
    clock: Times | None = None
    unplaced: list[str] = field(default_factory=list)

    def free(self) -> list[str]:
        """Return the columns that are nothing yet."""
        taken = {column for found in self.fields.values() for column in found.columns}
        return [name for name in self.columns.names if name not in taken]

    def stamps(self) -> pd.Series | None:
        """Return the time of each row, the day where the time of day is a column of its own."""
        return series_of(self.times.stamps) if self.times else None


def find_roles(frame: pd.DataFrame, hint: datetime | None = None, order: str | None = None) -> Roles:
    """Return what the columns of a sample are; `hint` is a day that the file is known to hold, `order` the column of its orders."""
    read = {str(name): times_of(frame[name].tolist(), hint) for name in frame.columns}
    said = {name: times for name, times in read.items() if times}
    said = {name: times for name, times in said.items() if times.kind != "unit" or _may_be_time(name, times)}
    roles = Roles(Columns(frame, set(said)))
    _find_time(roles, said)
    _find_amounts(roles)
    _find_type(roles)
    if order and order in roles.free():
        roles.fields["order_id"] = Found((order,), "its rows follow each other, and only the first says what all share")
    find_keys(roles, set(said))
    for name in ("category", "brand", "country", "device", "channel"):
        named = max(roles.free(), key=lambda column: likeness(column, name), default=None)
        if named and named not in said and likeness(named, name) > CLAIMED and named not in roles.columns.numbers:
            roles.fields[name] = Found((named,), "by its name")
    codes = [name for name in roles.free() if _is_currency(roles.columns, name)]
    if codes:
        roles.fields["currency"] = Found(
            (codes[0],), f"codes of currencies, as {roles.columns.frame[codes[0]].dropna().iloc[0]}"
        )
    return roles


def _may_be_time(name: str, times: Times) -> bool:
    """Numbers of the size of a time may be ids: believe them with a name that says so, or when most of them differ."""
    known = [stamp for stamp in times.stamps if stamp]
    return likeness(name, "event_time") > 0 or ("id" not in name.lower() and len(set(known)) > len(known) / 20)


def _find_time(roles: Roles, said: dict[str, Times]) -> None:
    full = {name: times for name, times in said.items() if times.stamps and roles.columns.filled(name) >= 0.9}
    clocks = {
        name: times for name, times in said.items() if times.kind == "clock" and roles.columns.filled(name) >= 0.9
    }
    for name, times in said.items():
        if times.kind == "yearless":
            roles.unplaced.append(
                f"{name}: {times.evidence}; no day can be told from them: have the export write the year"
            )
    if not full:
        _say_no_time(roles, clocks)
        return

    def fitness(name: str) -> float:
        times = full[name]
        known = [stamp for stamp in times.stamps if stamp]
        rising = np.mean([one <= other for one, other in pairwise(known)] or [False])
        exact = 0.0 if times.dated_only else 0.5
        return 2 * likeness(name, "event_time") + exact + 0.3 * float(rising) + 0.3 * len(set(known)) / len(known)

    name = max(full, key=fitness)
    roles.times = full[name]
    others = [other for other in full if other != name]
    evidence = roles.times.evidence + (f"; {', '.join(others[:3])} say times too" if others else "")
    doubt = roles.times.doubt
    columns: tuple[str, ...] = (name,)
    if roles.times.dated_only and clocks:
        clock = max(clocks, key=lambda one: likeness(one, "event_time"))
        roles.clock = clocks[clock]
        columns = (name, clock)
        evidence += f"; the time of day stands in {clock}"
    elif roles.times.dated_only:
        roles.unplaced.append(
            f"{name} says days without a time of day: all of a day's events are at midnight, and hours say nothing"
        )
    roles.fields["event_time"] = Found(columns, evidence, doubt)


def _say_no_time(roles: Roles, clocks: dict[str, Times]) -> None:
    frame = roles.columns.frame
    if clocks:
        roles.unplaced.append(
            f"{', '.join(clocks)} says a time of day and no column says a day: have the export write the date"
        )
    for name, numbers in roles.columns.numbers.items():
        given = roles.columns.given(name)
        called = name.lower()
        if given.size and ((given > 30_000) & (given < 60_000)).mean() > MOSTLY and likeness(name, "event_time"):
            roles.unplaced.append(
                f"{name} counts days as Excel does ({frame[name].dropna().iloc[0]}): format the column as a date and save it again"
            )
        elif given.size and ("day" in called or "week" in called or "tag" in called) and numbers[0] < 5_000:
            roles.unplaced.append(
                f"{name} counts days or weeks from a start that the file does not say: write dates into the file"
            )


def _find_amounts(roles: Roles) -> None:
    columns = roles.columns
    ids = ("customer_id", "product_id", "order_id", "session_id", "event_id")
    numeric = [
        name
        for name in columns.numbers
        if not any(word in name.lower() for word in NO_AMOUNTS)
        and not (columns.whole(name) and max(likeness(name, role) for role in ids) > CLAIMED)
        and np.abs(columns.given(name)).max() < 1e9
    ]
    if _find_product_of_two(roles, numeric):
        numeric = [name for name in numeric if name in roles.free()]
    else:
        _find_quantity(roles, numeric)
        _find_price(roles, [name for name in numeric if name in roles.free()])
    _find_discounts(roles, [name for name in columns.numbers if name in roles.free()])


def _find_product_of_two(roles: Roles, numeric: list[str]) -> bool:
    """Take columns for quantity, price and total of a line when the one is the product of the others."""
    columns, best = roles.columns, (0.0, ("", "", ""))
    for units, price, total in permutations(numeric[:12], 3):
        u, p, t = (columns.numbers[name] for name in (units, price, total))
        telling = ~np.isnan(u + p + t) & (u != 0) & (u != 1) & (p != 0) & (p != 1)
        if not columns.whole(units) or telling.sum() < max(3, roles.columns.rows / 100):
            continue
        share = float((np.abs(u * p - t) <= 0.011 * np.maximum(1, np.abs(u)))[telling].mean())
        named = likeness(units, "quantity") + likeness(price, "price") + likeness(total, "line_total")
        if share >= MOSTLY and share + named > best[0]:
            best = (share + named, (units, price, total))
    if not best[0]:
        return False
    units, price, total = best[1]
    roles.fields["quantity"] = Found((units,), f"{units} × {price} = {total}")
    roles.fields["price"] = Found((price,), f"of one unit; {total} is left out, it says the same")
    return True


def _find_quantity(roles: Roles, numeric: list[str]) -> None:
    columns = roles.columns
    whole = [name for name in numeric if columns.whole(name) and np.median(np.abs(columns.given(name))) <= 1_000]
    named = max(whole, key=lambda name: likeness(name, "quantity"), default=None)
    if named and likeness(named, "quantity") > 0.2:
        roles.fields["quantity"] = Found((named,), f"whole numbers, {_commonest(columns, named)} most often")
        return
    if not any(not columns.whole(name) for name in numeric):
        return  # whole numbers without an amount of money beside them are ids, ratings or codes
    for name in whole:
        values = pd.Series(columns.given(name))
        ones = float((values == 1).mean())
        spoken = any(likeness(name, role) > CLAIMED for role in ("price", "line_total", "event_type", "category"))
        if ones >= 0.1 and values.mode().iloc[0] == 1 and values.nunique() > 2 and not spoken:
            said = f"whole numbers, 1 most often ({ones:.0%})"
            roles.fields["quantity"] = Found((name,), said, "a guess by the values alone")
            return


def _commonest(columns: Columns, name: str) -> str:
    return columns.counts(name).most_common(1)[0][0]


def _find_price(roles: Roles, numeric: list[str]) -> None:
    columns = roles.columns
    best: tuple[float, str, str] = (0.25, "", "")
    for name in numeric:
        for role in ("price", "line_total"):
            score = likeness(name, role)
            if score > best[0]:
                best = (score, name, role)
    _, name, role = best
    evidence = "by its name"
    doubt = None
    if not name:
        broken = [one for one in numeric if not columns.whole(one) and np.median(columns.given(one)) > 0]
        if not broken:
            return
        name, role = broken[0], "price" if "quantity" not in roles.fields else "line_total"
        evidence, doubt = (
            "numbers with decimals",
            "a guess by the values alone: price of one unit, or total of the line?",
        )
    if role == "line_total" and "quantity" not in roles.fields:
        role, evidence = "price", evidence + ", and no column says a quantity"
    elif "quantity" in roles.fields:
        told = _scales(columns, name, roles.fields["quantity"].name)
        if told is not None and told != role and (doubt or best[0] < CLAIMED + 0.3):
            role = told
            evidence += (
                ", and it grows with the quantity"
                if told == "line_total"
                else ", and it does not grow with the quantity"
            )
            doubt = None
    roles.fields[role] = Found((name,), evidence, doubt)


def _scales(columns: Columns, amount: str, units: str) -> str | None:
    """Return line_total when an amount grows with the quantity, price when it does not, None when too few rows tell."""
    known = pd.DataFrame({"amount": columns.numbers[amount], "units": columns.numbers[units]}).dropna()
    known = known[(known["units"] > 0) & (known["amount"] > 0)]
    if len(known) < 30 or known["units"].nunique() < 2:
        return None
    together = float(np.log(known["amount"]).corr(np.log(known["units"])))
    return "line_total" if together > 0.3 else "price" if together < 0.15 else None


def _find_discounts(roles: Roles, numeric: list[str]) -> None:
    named = [name for name in numeric if max(likeness(name, "discount"), likeness(name, "line_discount")) > CLAIMED]
    named = [name for name in named if np.abs(roles.columns.given(name)).max() < 1e9]
    if not named:
        return
    shares = [name for name in named if re.search("%|pct|percent", name.lower()) or _are_shares(roles.columns, name)]
    if shares:
        roles.unplaced.append(
            f"{', '.join(shares)} looks like a share of the price: discounts are read as amounts, it is left out"
        )
    named = [name for name in named if name not in shares]
    if named:
        doubt = (
            None
            if "line_total" in roles.fields or "quantity" not in roles.fields
            else "of the whole line? of one unit: discount"
        )
        roles.fields["line_discount"] = Found(tuple(named), "by its name", doubt)


def _are_shares(columns: Columns, name: str) -> bool:
    """Return whether a column's values are a few round shares of 1, as 0, 0.1 and 0.25."""
    values = set(columns.given(name))
    return (
        max(values) < 1
        and min(values) >= 0
        and 1 < len(values) <= 20
        and all(round(value, 2) == value for value in values)
    )


def _find_type(roles: Roles) -> None:
    """Take the column whose words are known, or whose name says type and whose values are few."""
    columns = roles.columns
    best, chosen = 0.6, None
    for name in roles.free():
        values = columns.counts(name)
        if not 0 < len(values) <= 60 or (name in columns.numbers and not columns.whole(name)):
            continue
        known, named = speaks(values), likeness(name, "event_type")
        status = likeness(name, "status")
        letters = {value.casefold() for value in values}
        lone = all(len(one) == 1 for one in letters) and not ("v" in letters and letters & {"p", "b", "k"})
        if (
            (lone and max(named, status) < 0.2)
            or (known < 0.5 and named < CLAIMED)
            or likeness(name, "channel") > CLAIMED
        ):
            continue
        score = 1.5 * known + named + 0.3 * status
        if score > best:
            best, chosen = score, name
    if chosen:
        known = speaks(columns.counts(chosen))
        evidence = f"{known:.0%} of its values are known words for types" if known else "by its name, and few values"
        roles.fields["event_type"] = Found((chosen,), evidence)


def _is_currency(columns: Columns, name: str) -> bool:
    values = columns.frame[name].dropna()
    return (
        likeness(name, "currency") > 0
        and bool(len(values))
        and float(values.str.fullmatch(r"[A-Za-z]{3}").mean()) >= MOSTLY
    )
