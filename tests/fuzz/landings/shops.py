"""Random mini shops, one a case: what they send, and in which files it lands."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from fuzz.landings.oracle import NO_PRODUCTS, Line

ZONE = ZoneInfo("America/New_York")
"""Of the shop, and of the till's stamps. Its clocks went forward on 10 March 2024."""
BATCHES = tuple(date(2024, 3, 7) + timedelta(days=n) for n in range(5))
PRICES = (100, 250, 999, 1295, 5000)
KINDS = ("till", "ga4", "shopify_orders")


@dataclass(frozen=True)
class Case:
    """A mini shop: customers and orders of its own, in one source."""

    number: int
    source: str
    lines: list[Line]


def make_case(number: int, seed: int) -> Case:
    """Return a case; the same number and seed give the same."""
    chance = random.Random(f"{seed}/{number}")
    source = KINDS[number % len(KINDS)]
    lines: list[Line] = []
    for customer in range(chance.randint(1, 2)):
        name = f"{source[0]}{number}-{customer}" + ("@x.example" if source == "shopify_orders" else "")
        for place in range(chance.randint(1, 3)):
            order = f"{source[0]}{number}-{customer}-{place}"
            lines += (
                _restated(chance, name, order) if source == "shopify_orders" else _sent(chance, name, order, source)
            )
    return Case(number, source, lines)


def _moment(chance: random.Random, day: date) -> datetime:
    """Return a moment of a day, shop-local, when no clock is changed."""
    local = datetime(
        day.year, day.month, day.day, chance.randint(4, 23), chance.randrange(60), chance.randrange(60), tzinfo=ZONE
    )
    return local.astimezone(UTC)


def _first_day(chance: random.Random, batch: date) -> date:
    return batch - timedelta(days=chance.choice([0, 0, 0, 1, 2]))


def _basket(chance: random.Random, line: Line) -> list[Line]:
    lines = []
    for _ in range(chance.randint(1, 4)):
        one = replace(line, product=f"p{chance.randint(1, 4)}", units=chance.randint(1, 3), price=chance.choice(PRICES))
        if chance.random() < 0.07:
            one = replace(one, product=chance.choice(NO_PRODUCTS))
        lines += [one] * (2 if chance.random() < 0.2 else 1)
    return lines


def _sent(chance: random.Random, customer: str, order: str, source: str) -> list[Line]:
    """Return an order as a till or a web page sends it: perhaps several times, with late lines, with noise around it."""
    first = chance.randrange(len(BATCHES))
    stamp = _moment(chance, _first_day(chance, BATCHES[first]))
    start = Line(BATCHES[first], _file(chance), stamp, customer, order, f"v{order}", "", 1, 0)
    if chance.random() < 0.15:
        start = replace(start, order="")
    basket = _basket(chance, start)
    if source == "till" and chance.random() < 0.3:  # each line with a stamp of its own
        basket = [replace(line, stamp=line.stamp + timedelta(seconds=place)) for place, line in enumerate(basket)]
    sent = list(basket)
    for _ in range(chance.choice([0, 0, 1, 1, 2, 3])):  # the page is loaded again, the order exported again
        again = replace(start, batch=BATCHES[chance.randrange(first, len(BATCHES))], file=_file(chance))
        pause = timedelta(seconds=chance.choice([0, 0, 4, 90, 86_400]))
        again_session = start.session if chance.random() < 0.7 else f"w{order}"
        some = basket if chance.random() < 0.7 else chance.sample(basket, chance.randint(1, len(basket)))
        sent += [
            replace(line, batch=again.batch, file=again.file, stamp=line.stamp + pause, session=again_session)
            for line in some
            if _deliverable(line.stamp + pause, again.batch)
        ]
    if chance.random() < 0.35:  # a late line
        batch = BATCHES[chance.randrange(first, len(BATCHES))]
        later = replace(
            start, batch=batch, file=_file(chance), stamp=stamp + timedelta(hours=chance.choice([0, 1, 30]))
        )
        if _deliverable(later.stamp, batch):
            sent.append(replace(later, product="late", units=1, price=chance.choice(PRICES)))
    if chance.random() < 0.3:
        kind = chance.choice(["view", "return"])
        sent.append(replace(start, product="p1", units=1, price=999, kind=kind, stamp=stamp + timedelta(seconds=1)))
    return sent


def _deliverable(stamp: datetime, batch: date) -> bool:
    """Return whether a source may deliver this moment in this batch: not after the day that the batch is of."""
    return stamp.astimezone(ZONE).date() <= batch


def _restated(chance: random.Random, customer: str, order: str) -> list[Line]:
    """Return an order as exports of whole orders restate it, each with the state that it has then."""
    first = chance.randrange(len(BATCHES))
    day = _first_day(chance, BATCHES[first])
    start = Line(BATCHES[first], _file(chance), _moment(chance, day), customer, order, order, "", 1, 0)
    basket = _basket(chance, start)
    told: list[Line] = []
    state, paid_back = chance.choice(["paid", "paid", "paid", "paid", "voided", "test"]), 0
    for batch in [BATCHES[first], *(day for day in BATCHES[first + 1 :] if chance.random() < 0.5)]:
        file = _file(chance)
        told += [replace(line, batch=batch, file=file, state=state, paid_back=paid_back) for line in basket]
        worth = sum(line.units * line.price for line in basket)
        change = chance.random()
        if state in ("paid", "partially_refunded") and change < 0.6:
            state = chance.choice(["voided", "cancelled", "refunded", "partially_refunded"])
            paid_back = (
                worth if state == "refunded" else chance.randint(1, worth - 1) if state == "partially_refunded" else 0
            )
        elif state == "paid" and change < 0.75:  # a line is added, or taken out
            basket = [*basket, replace(start, product="more", units=2, price=250)] if len(basket) < 2 else basket[:-1]
    return told


def _file(chance: random.Random) -> str:
    return chance.choice("ab")
