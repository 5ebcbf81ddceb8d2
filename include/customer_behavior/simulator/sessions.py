"""Visits of one day: who comes when, what they look at, put in the cart, buy and bring back. One block of arrays at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from customer_behavior.simulator.catalogue import Products
from customer_behavior.simulator.population import Customers
from customer_behavior.simulator.world import DIMENSIONS, World

BLOCK_ROWS = 500_000
MAX_CHANCE = 0.9
TYPES = ("view", "cart", "remove_from_cart", "purchase", "return")
VIEW, CART, REMOVE, PURCHASE, RETURN = range(5)


@dataclass
class Visits:
    """Sessions, one entry each."""

    customer: np.ndarray
    start: np.ndarray  # UTC seconds
    hour: np.ndarray  # shop-local
    anchor: np.ndarray  # the product the session is about
    bought: np.ndarray
    country: np.ndarray
    device: np.ndarray
    channel: np.ndarray
    anonymous: np.ndarray

    def __len__(self) -> int:
        return len(self.customer)

    def take(self, which: np.ndarray) -> "Visits":
        """Return some visits."""
        return Visits(**{name: column[which] for name, column in vars(self).items()})


@dataclass
class Rows:
    """Events, in the order of their time; `session` is the place in Visits."""

    time: np.ndarray
    kind: np.ndarray
    product: np.ndarray
    session: np.ndarray

    def __len__(self) -> int:
        return len(self.time)

    def take(self, which: np.ndarray) -> "Rows":
        """Return some rows."""
        return Rows(self.time[which], self.kind[which], self.product[which], self.session[which])


@dataclass(frozen=True)
class Day:
    """A shop-local day: when it begins and ends in UTC seconds, and the weights of its real hours (23 to 25 of them)."""

    number: int
    date: date
    begin: int
    end: int
    local_hours: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, world: World, number: int) -> "Day":
        """Return a day of a world; the traffic of the peak hours is in the weights."""
        day = world.first_day + timedelta(days=number)
        begin, end = (
            int(datetime(each.year, each.month, each.day, tzinfo=world.zone).timestamp())
            for each in (day, day + timedelta(days=1))
        )
        hours = range((end - begin + 3599) // 3600)
        local = np.array(
            [datetime.fromtimestamp(begin + 3600 * h, UTC).astimezone(world.zone).hour for h in hours], np.int64
        )
        weights = np.array(world.hours)
        if world.peak_hours:
            weights[list(world.peak_hours.hours)] *= world.peak_hours.traffic
        return cls(number, day, begin, end, local, weights[local] / np.sum(world.hours))

    def traffic(self, world: World) -> float:
        """Return the day's factor of all visits: weekday, peaks, shift, and hours that a clock change adds or takes."""
        weekday = world.weekdays[self.date.weekday()] * 7 / sum(world.weekdays)
        shifted = world.shift is not None and self.date >= world.shift.date
        return weekday * float(self.weights.sum()) * (world.shift.traffic if shifted and world.shift else 1.0)


def visitors(world: World, customers: Customers, day: Day, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield blocks of customers, one entry a visit, that together are a day's visits."""
    mean = customers.visits * day.traffic(world)
    mean[~customers.active(day.number)] = 0.0
    visits = np.repeat(np.arange(len(customers)), rng.poisson(mean))
    rng.shuffle(visits)
    size = max(int(BLOCK_ROWS / (world.sessions.views + 1)), 1)
    for begin in range(0, len(visits), size):
        yield visits[begin : begin + size]


def draw_visits(
    world: World,
    customers: Customers,
    products: Products,
    day: Day,
    who: np.ndarray,
    factors: np.ndarray,
    rng: np.random.Generator,
) -> Visits:
    """Return visits of `who`; `factors` is each customer's own chance to buy, as a factor, on this day."""
    count = len(who)
    slot = rng.choice(len(day.weights), count, p=day.weights / day.weights.sum())
    start = np.minimum(day.begin + slot * 3600 + rng.integers(0, 3600, count), day.end - 1)
    shifted = world.shift is not None and day.date >= world.shift.date
    seen = {}
    for dimension in DIMENSIONS:
        main = customers.main[dimension][who]
        if dimension != "country":
            shares = world.shares(dimension, shifted)
            other = rng.choice(len(shares), count, p=shares)
            main = np.where(rng.random(count) < world.customers.loyalty, main, other).astype(np.int8)
        seen[dimension] = main
    anchor = _anchors(world, customers, products, who, rng)
    hour = day.local_hours[slot]
    chance = world.sessions.conversion * factors[who]
    if world.price_threshold:
        above = products.cents[anchor] > round(world.price_threshold.price * 100)
        chance = np.where(above, chance * world.price_threshold.factor, chance)
    if world.peak_hours:
        chance = np.where(np.isin(hour, world.peak_hours.hours), chance * world.peak_hours.conversion, chance)
    bought = rng.random(count) < np.minimum(chance, MAX_CHANCE)
    anonymous = (rng.random(count) < world.sessions.anonymous) & ~bought
    return Visits(who, start, hour, anchor, bought, anonymous=anonymous, **seen)


def _anchors(
    world: World, customers: Customers, products: Products, who: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return what each visit is about: a favourite, or a popular product, more often than not of the customer's price tier."""
    count, width = len(who), world.sessions.favourites
    own = rng.random(count) < world.sessions.taste
    low = np.where(own, products.tier_edges[customers.tier[who]], 0.0)
    high = np.where(own, products.tier_edges[customers.tier[who] + 1], 1.0)
    popular = products.pick(low, high, rng, count)
    rank = np.minimum(rng.geometric(0.4, count) - 1, width - 1)
    return np.where(rng.random(count) < world.sessions.habit, customers.favourites[who, rank], popular)


def draw_rows(world: World, products: Products, visits: Visits, rng: np.random.Generator) -> Rows:
    """Return the events of visits. No two are equal in time, type, product and session."""
    model, count = world.sessions, len(visits)
    views = rng.geometric(1 / model.views, count)
    session = np.repeat(np.arange(count), views)
    first = np.concatenate([[0], np.cumsum(views)[:-1]])
    gap = 3 + rng.exponential(max(model.seconds_between - 3, 0.1), len(session)).astype(np.int64)
    gap[first] = 0
    elapsed = np.cumsum(gap)
    time = visits.start[session] + elapsed - elapsed[first][session]
    about = rng.random(len(session)) < model.focus
    about[first] = True
    anchors = visits.anchor[session]
    product = np.where(about, anchors, products.near(anchors, rng))

    carted = visits.bought | (rng.random(count) < model.cart)
    cart_view = first + (rng.random(count) * views).astype(np.int64)
    last_view = first + views - 1
    removed = carted & ~visits.bought & (rng.random(count) < model.remove)
    buying, carting, removing = (np.flatnonzero(which) for which in (visits.bought, carted, removed))
    bought_at = time[last_view] + rng.integers(5, 60, count)

    # The second line: the first other product looked at, if it is bought as well.
    other = np.full(count, -1, np.int64)
    others = np.flatnonzero(product != anchors)
    other[session[others][::-1]] = others[::-1]
    chance = np.full(count, model.second_line)
    if world.price_threshold:
        dear = products.cents[product[other]] > round(world.price_threshold.price * 100)
        chance = np.where(dear, chance * world.price_threshold.factor, chance)
    second = np.flatnonzero(visits.bought & (other >= 0) & (rng.random(count) < chance))
    parts = [
        (time, VIEW, product, session),
        (time[cart_view[carting]] + 1, CART, visits.anchor[carting], carting),
        (time[other[second]] + 2, CART, product[other[second]], second),
        (time[last_view[removing]] + 3, REMOVE, visits.anchor[removing], removing),
        (bought_at[buying], PURCHASE, visits.anchor[buying], buying),
        (bought_at[second], PURCHASE, product[other[second]], second),
    ]
    return _sorted(parts)


def bot_blocks(world: World, customers: Customers, products: Products, day: Day) -> Iterator[tuple[Visits, Rows]]:
    """Yield the day of the bots: each walks through the catalogue at its own time, at equal intervals."""
    if world.bots is None:
        return
    bots, views = np.flatnonzero(customers.bot & customers.active(day.number)), world.bots.views_per_day
    size = max(BLOCK_ROWS // views, 1)
    for begin in range(0, len(bots), size):
        who = bots[begin : begin + size]
        start = day.begin + (who * 7919) % (8 * 3600)
        seen = {dimension: customers.main[dimension][who] for dimension in DIMENSIONS}
        nothing = np.zeros(len(who), bool)
        anchor = (who * 104_729 + day.number * views) % len(products)
        hour = day.local_hours[(start - day.begin) // 3600]
        visits = Visits(who, start, hour, anchor, nothing, anonymous=nothing, **seen)
        session = np.repeat(np.arange(len(who)), views)
        step = np.tile(np.arange(views), len(who))
        product = (anchor[session] + step) % len(products)
        yield visits, _sorted([(start[session] + step * world.bots.seconds_between, VIEW, product, session)])


def _sorted(parts: list[tuple[np.ndarray, int, np.ndarray, np.ndarray]]) -> Rows:
    time = np.concatenate([part[0] for part in parts])
    order = np.argsort(time, kind="stable")
    kind = np.concatenate([np.full(len(part[0]), part[1], np.int8) for part in parts])
    product = np.concatenate([part[2] for part in parts])
    session = np.concatenate([part[3] for part in parts])
    return Rows(time[order], kind[order], product[order], session[order])
