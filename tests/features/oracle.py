"""What a snapshot must hold, worked out the slow way: from the events themselves, customer by customer, in exact numbers.

It shares no line with the SQL and knows neither rollup nor checkpoint. Where the rollup's grain is part of a definition (distinct
counts and visits are taken per day and source, then added up) it is written so here: `Piece` is a customer's day in one source.
"""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import isclose, sqrt
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

WINDOWS = (1, 7, 28, 90)
COUNTED = {
    "views": "view",
    "carts": "cart",
    "cart_removals": "remove_from_cart",
    "favourites": "favourite",
    "searches": "search",
    "purchase_lines": "purchase",
    "return_lines": "return",
}
TRENDS = ("events", "views", "carts", "sessions", "orders", "revenue")
ATTRIBUTES = ("country", "device", "channel")


@dataclass(frozen=True)
class Event:
    """A row of raw.events, as far as a snapshot asks; None for what is not given."""

    customer: str | None
    batch: date
    source: str
    time: datetime
    day: date
    hour: int
    type: str
    session: str | None
    order: str | None
    product: str | None
    category: str | None
    quantity: Fraction
    price: Fraction | None
    discount: Fraction | None
    refunded: Fraction | None
    superseded: date | None
    texts: dict[str, str | None]

    @property
    def value(self) -> Fraction:
        return self.quantity * ((self.price or 0) - (self.refunded or 0))


@dataclass(frozen=True)
class Piece:
    """A customer's events of one day that one source's batches told of; `begun_before` are orders with lines on earlier days."""

    day: date
    events: list[Event]
    begun_before: frozenset[str] = frozenset()

    def of(self, *types: str) -> list[Event]:
        return [event for event in self.events if event.type in types]

    @property
    def orders(self) -> dict[object, int]:
        """Order to the hour of its first line; a purchase without an order id counts by its session, else by its time."""
        first: dict[object, datetime] = {}
        hours: dict[object, int] = {}
        for event in self.of("purchase"):
            if event.order in self.begun_before:
                continue
            key = event.order or event.session or event.time
            if key not in first or event.time < first[key]:
                first[key], hours[key] = event.time, event.hour
        return hours

    @property
    def sessions(self) -> dict[str | None, list[Event]]:
        """Events by session; those without one are together under None."""
        found: dict[str | None, list[Event]] = {}
        for event in self.events:
            found.setdefault(event.session, []).append(event)
        return found

    @property
    def seconds(self) -> int:
        named = [events for session, events in self.sessions.items() if session is not None]
        return sum(
            (max(e.time for e in events) - min(e.time for e in events)) // timedelta(seconds=1) for events in named
        )

    @property
    def carts_left(self) -> int:
        types = [{event.type for event in events} for events in self.sessions.values()]
        return sum("cart" in kinds and "purchase" not in kinds for kinds in types)

    @property
    def top_category(self) -> tuple[str | None, int]:
        lines = Counter(event.category for event in self.of("purchase") if event.category is not None)
        if not lines:
            return None, 0
        most = max(lines.values())
        return min((name for name, n in lines.items() if n == most), key=by_bytes), most

    def distinct(self, field: str) -> int:
        return len({getattr(event, field) for event in self.of("purchase")} - {None})

    def text(self, name: str) -> str | None:
        said = (event.texts[name] for event in self.events)
        return max((text for text in said if text is not None), key=by_bytes, default=None)


def by_bytes(text: str) -> bytes:
    """Order of the C collation."""
    return text.encode()


def read(frame: pd.DataFrame, zone: ZoneInfo) -> list[Event]:
    """Return the rows of raw.events; their day is worked out again, and must be what the warehouse says."""
    days = frame["event_time"].dt.tz_convert(str(zone)).dt.date
    assert (days == frame["event_day"]).all()
    return [_read(row, zone) for row in frame.to_dict("records")]


def _read(row: dict[Hashable, Any], zone: ZoneInfo) -> Event:
    given: dict[Hashable, Any] = {name: None if pd.isna(value) else value for name, value in row.items()}
    local = given["event_time"].to_pydatetime().astimezone(zone)

    def amount(name: str) -> Fraction | None:
        return None if given[name] is None else Fraction(Decimal(str(given[name])))

    return Event(
        customer=given["customer_id"],
        batch=given["batch_date"],
        source=given["source"],
        time=given["event_time"].to_pydatetime(),
        day=local.date(),
        hour=local.hour,
        type=given["event_type"],
        session=given["session_id"],
        order=given["order_id"],
        product=given["product_id"],
        category=given["category"],
        quantity=amount("quantity") or Fraction(0),
        price=amount("price"),
        discount=amount("discount"),
        refunded=amount("refunded"),
        superseded=given["superseded_on"],
        texts={name: given[name] for name in ATTRIBUTES},
    )


def snapshot(
    events: list[Event],
    as_of: date,
    *,
    staff: Collection[str] = (),
    max_events_per_day: int = 2000,
    max_orders_per_day: int = 100,
    order_reach: int = 3,
) -> dict[str, dict[str, Any]]:
    """Return customer to column to value, of the events known at `as_of`.

    Integers and texts are exact, other numbers are floats made of exact fractions in their last step. Lines with one order id, each
    within `order_reach` days of the one before, are of one order.
    """
    by_customer: dict[str, dict[tuple, list[Event]]] = {}
    for event in events:
        known = event.batch < as_of and (event.superseded is None or event.superseded >= as_of)
        if event.customer is not None and event.day < as_of and known:
            key = (event.day, event.source)
            by_customer.setdefault(event.customer, {}).setdefault(key, []).append(event)
    found = {}
    for customer, parts in by_customer.items():
        pieces = [
            Piece(day, part, begun_before(parts, day, source, order_reach)) for (day, source), part in parts.items()
        ]
        found[customer] = describe(pieces, as_of)
        busy = is_bot(pieces, as_of, max_events_per_day, max_orders_per_day)
        found[customer]["flagged"] = "staff" if customer in staff else "bot" if busy else None
    return found


def begun_before(parts: dict[tuple, list[Event]], day: date, source: str, reach: int) -> frozenset[str]:
    """Return the orders of a source that have a line in the `reach` days before `day`."""
    return frozenset(
        event.order
        for (earlier, of), part in parts.items()
        for event in part
        if of == source and event.order and event.type == "purchase" and 0 < (day - earlier).days <= reach
    )


def ratio(one: Fraction | int | None, other: Fraction | int | None) -> Fraction | None:
    return None if one is None or not other else Fraction(one) / other


def total(pieces: Iterable[Piece], name: str) -> Fraction | int:
    """Return what `pieces` add up to, by the name of a count or a value."""
    pieces = list(pieces)
    if name in COUNTED:
        return sum(len(piece.of(COUNTED[name])) for piece in pieces)
    if name == "events":
        return sum(len(piece.events) for piece in pieces)
    if name == "sessions":
        return sum(len(piece.sessions.keys() - {None}) for piece in pieces)
    if name == "orders":
        return sum(len(piece.orders) for piece in pieces)
    if name == "carts_left":
        return sum(piece.carts_left for piece in pieces)
    if name == "discount":
        return sum((e.quantity * (e.discount or 0) for p in pieces for e in p.of("purchase")), Fraction(0))
    kind = {"revenue": "purchase", "returned_value": "return", "cart_value": "cart"}[name]
    return sum((event.value for piece in pieces for event in piece.of(kind)), Fraction(0))


def describe(pieces: list[Piece], as_of: date) -> dict[str, Any]:
    """Return a customer's columns, all but the key and `flagged`."""

    def within(n: int) -> list[Piece]:
        return [piece for piece in pieces if (as_of - piece.day).days <= n]

    def since(found: list[Piece]) -> int | None:
        return min(((as_of - piece.day).days for piece in found), default=None)

    def bought_on(found: list[Piece]) -> list[date]:
        return sorted({piece.day for piece in found if piece.orders})

    grid = {
        f"{name}_{n}d": total(within(n), name)
        for name in (
            *COUNTED,
            "events",
            "sessions",
            "orders",
            "carts_left",
            "revenue",
            "discount",
            "returned_value",
            "cart_value",
        )
        for n in WINDOWS
    }
    days = bought_on(pieces)
    orders, revenue = total(pieces, "orders"), total(pieces, "revenue")
    rhythm = gaps(days, as_of)
    recent = within(90)
    recent_days = bought_on(recent)
    bought = [event for piece in recent for event in piece.of("purchase")]
    seen = [e.price for piece in within(28) for e in piece.of("view") if e.price is not None]
    paid, looked = ratio(grid["revenue_90d"], sum(e.quantity for e in bought)), ratio(sum(seen), len(seen))
    products, categories = (sum(piece.distinct(field) for piece in recent) for field in ("product", "category"))
    favourite, favourite_lines = favourite_category([piece for piece in recent if piece.orders])
    columns = {
        "days_since_event": since(pieces),
        "days_since_purchase": since([piece for piece in pieces if piece.orders]),
        "days_since_view": since([piece for piece in pieces if piece.of("view")]),
        "days_since_cart": since([piece for piece in pieces if piece.of("cart")]),
        "tenure_days": max((as_of - piece.day).days for piece in pieces),
        **grid,
        **{f"purchase_days_{n}d": len(bought_on(within(n))) for n in (7, 28, 90)},
        **{f"{n}_trend_28d": ratio(Fraction(grid[f"{n}_28d"], 28), Fraction(grid[f"{n}_90d"], 90)) for n in TRENDS},
        "orders_lifetime": orders,
        "revenue_lifetime": Fraction(revenue),
        "purchase_days_lifetime": len(days),
        "order_value_lifetime": ratio(revenue, orders),
        **rhythm,
        "session_minutes_28d": ratio(Fraction(sum(piece.seconds for piece in within(28)), 60), grid["sessions_28d"]),
        "views_per_session_28d": ratio(grid["views_28d"], grid["sessions_28d"]),
        "cart_loss_28d": ratio(grid["carts_left_28d"], grid["sessions_28d"]),
        "price_paid_90d": paid,
        "price_seen_28d": looked,
        "price_paid_to_seen": ratio(paid, looked),
        "max_price_paid_90d": max((event.price for event in bought if event.price is not None), default=None),
        "discount_share_90d": ratio(grid["discount_90d"], grid["discount_90d"] + grid["revenue_90d"]),
        "return_share_90d": ratio(grid["returned_value_90d"], grid["revenue_90d"]),
        "order_value_90d": ratio(grid["revenue_90d"], grid["orders_90d"]),
        "lines_per_order_90d": ratio(grid["purchase_lines_90d"], grid["orders_90d"]),
        "products_per_order_90d": ratio(products, grid["orders_90d"]),
        "categories_per_day_90d": ratio(categories, len(recent_days)),
        "products_90d": products,
        "categories_90d": categories,
        "favourite_category": favourite,
        "favourite_share_90d": ratio(favourite_lines, grid["purchase_lines_90d"]),
        **habits(recent, recent_days),
        **{name: newest(recent, name) for name in ATTRIBUTES},
    }
    return {name: float(value) if isinstance(value, Fraction) else value for name, value in columns.items()}


def gaps(days: list[date], as_of: date) -> dict[str, Fraction | float | None]:
    """Return the rhythm of purchase days."""
    steps = [(later - earlier).days for earlier, later in itertools.pairwise(days)]
    mean = Fraction(sum(steps), len(steps)) if steps else None
    deviation = sqrt(statistics.variance(map(Fraction, steps))) if len(steps) >= 2 else None
    return {
        "gap_mean_days": mean,
        "gap_std_days": deviation,
        "gap_variation": None if deviation is None or mean is None else deviation / float(mean),
        "cycle_position": ratio((as_of - days[-1]).days, mean) if days else None,
    }


def favourite_category(pieces: list[Piece]) -> tuple[str | None, int | None]:
    lines: Counter[str] = Counter()
    for piece in pieces:
        name, count = piece.top_category
        if name is not None:
            lines[name] += count
    if not lines:
        return None, None
    most = max(lines.values())
    return min((name for name, count in lines.items() if count == most), key=by_bytes), most


def habits(pieces: list[Piece], bought_on: list[date]) -> dict[str, Fraction | int | None]:
    events = [event for piece in pieces for event in piece.events]
    begun = Counter(hour for piece in pieces for hour in piece.orders.values())
    weekdays = Counter(day.isoweekday() for day in bought_on)
    shares = {
        f"{name}_share_90d": ratio(sum(event.hour // 6 == quarter for event in events), len(events))
        for quarter, name in enumerate(("night", "morning", "afternoon", "evening"))
    }
    return {
        **shares,
        "weekend_event_share_90d": ratio(sum(event.day.isoweekday() >= 6 for event in events), len(events)),
        "weekend_share_90d": ratio(sum(day.isoweekday() >= 6 for day in bought_on), len(bought_on)),
        "best_hour": most_often(begun),
        "best_weekday": most_often(weekdays),
    }


def most_often(counts: Counter[int]) -> int | None:
    """Return what was counted most often, the least of equals."""
    return min(counts, key=lambda value: (-counts[value], value), default=None)


def newest(pieces: list[Piece], name: str) -> str | None:
    """Return an attribute as of the newest day that has it; of several the last in order of bytes."""
    given = [(piece.day, by_bytes(text)) for piece in pieces if (text := piece.text(name)) is not None]
    return max(given)[1].decode() if given else None


def is_bot(pieces: list[Piece], as_of: date, max_events: int, max_orders: int) -> bool:
    recent = [piece for piece in pieces if (as_of - piece.day).days <= 90]
    by_day = [[piece for piece in recent if piece.day == day] for day in {piece.day for piece in recent}]
    return any(total(day, "events") > max_events or total(day, "orders") > max_orders for day in by_day)


def differences(got: dict[str, dict], wanted: dict[str, dict]) -> list[tuple]:
    """Return (customer, column, got, wanted) where they differ: whole numbers and texts at all, others beyond 1e-9."""
    assert got.keys() == wanted.keys()
    found = []
    for customer, values in wanted.items():
        assert got[customer].keys() == values.keys()
        for column, value in values.items():
            other = got[customer][column]
            if isinstance(value, float) and isinstance(other, float):
                same = isclose(value, other, rel_tol=1e-9, abs_tol=1e-9)
            else:
                same = value == other and (value is None) == (other is None)
            if not same:
                found.append((customer, column, other, value))
    return found
