"""What a shop's landed rows mean at a date, counted slowly in plain Python.

Written from "What files mean" and "Time" of the design, and from nothing of the platform: it shares no code with it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

NO_PRODUCTS = ("gift card", "Postage", "Tip")
"""Money that buys no product: no purchase, no revenue."""
NO_PURCHASE = ("voided", "cancelled", "test")
"""States of orders that are no purchases."""


@dataclass(frozen=True)
class Line:
    """One row of a file that is to be read: `stamp` in UTC, amounts in cents, `state` as the order had it in this delivery."""

    batch: date
    file: str
    stamp: datetime
    customer: str
    order: str
    session: str
    product: str
    units: int
    price: int
    kind: str = "purchase"
    discount: int = 0
    state: str = "paid"
    paid_back: int = 0
    """What was paid back of the whole order so far, cents."""


@dataclass
class Day:
    """What a customer did on a day: orders, and cents after and before what was paid back."""

    orders: int = 0
    net: float = 0.0
    gross: float = 0.0


Answer = dict[tuple[str, date], Day]
"""By customer and shop-local day; days without orders and money are left out."""


def as_of(lines: Iterable[Line], day: date, zone: ZoneInfo, delivery: str) -> Answer:
    """Return what is known before `day` of what happened before it: batches before it, days before it.

    Parameters
    ----------
    lines : those of one source
    delivery : "lines" (they add up, repeats of an order's line count once) or "whole" (an order's newest delivery counts)
    """
    known = [line for line in lines if line.batch < day]
    events = _newest_deliveries(known) if delivery == "whole" else _once(known)
    answer: Answer = defaultdict(Day)
    started: dict[tuple[str, str], date] = {}
    for line in events:
        if not _bought(line) or line.state in NO_PURCHASE:
            continue
        at = line.stamp.astimezone(zone).date()
        amount = line.units * line.price
        of_order = _paid_back_share(line, events) if delivery == "whole" else 0.0
        answer[line.customer, at].gross += amount
        answer[line.customer, at].net += amount * (1 - of_order)
        if of_order >= 1:
            continue
        if not line.order:
            continue
        order = (line.customer, line.order)
        started[order] = min(started.get(order, at), at)
    for (customer, _), at in started.items():
        answer[customer, at].orders += 1
    for customer, at, _ in _sessions_without_order(events, zone):
        answer[customer, at].orders += 1
    return {key: found for key, found in answer.items() if key[1] < day and (found.orders or found.gross)}


def _bought(line: Line) -> bool:
    return line.kind == "purchase" and line.product not in NO_PRODUCTS


def _newest_deliveries(lines: list[Line]) -> list[Line]:
    """Return each order as its newest batch has it."""
    newest: dict[str, date] = {}
    for line in lines:
        newest[line.order] = max(newest.get(line.order, line.batch), line.batch)
    return [line for line in lines if line.batch == newest[line.order]]


def _paid_back_share(line: Line, events: list[Line]) -> float:
    if line.state == "refunded":
        return 1.0
    worth = sum(other.units * other.price for other in events if other.order == line.order)
    return min(line.paid_back / worth, 1.0) if worth else 0.0


def _once(lines: list[Line]) -> list[Line]:
    """Return each event once: of a line of an order at its first sending, of any other row where it is alike in all.

    A line that is there k times within one stamp of one file is k lines; of several sendings the largest k counts. The earliest batch
    that carries a line owns it.
    """
    sendings: dict[tuple, Counter[tuple]] = defaultdict(Counter)
    example: dict[tuple, Line] = {}
    for line in lines:
        what: tuple = (line.customer, line.order, line.product, line.units, line.price, line.discount, line.kind)
        if not (line.order and line.kind == "purchase"):
            what = (*what, line.session, line.stamp)
        sending = (line.batch, line.stamp, line.file)
        sendings[what][sending] += 1
        example[(what, *sending)] = line
    events = []
    for what, counts in sendings.items():
        kept = 0
        for sending in sorted(counts):
            more = counts[sending] - kept
            if more > 0:
                events += [example[(what, *sending)]] * more
                kept = counts[sending]
    return events


def _sessions_without_order(events: list[Line], zone: ZoneInfo) -> set[tuple[str, date, str]]:
    """Return the purchases without an order id, by customer and day: each session is an order."""
    return {
        (line.customer, line.stamp.astimezone(zone).date(), line.session)
        for line in events
        if _bought(line) and not line.order
    }
