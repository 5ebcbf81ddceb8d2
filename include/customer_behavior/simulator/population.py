"""Who the customers are: all that ever join, drawn before the first day."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from customer_behavior.errors import ConfigurationError
from customer_behavior.simulator.catalogue import TIERS, Products
from customer_behavior.simulator.plants import Rule
from customer_behavior.simulator.world import DIMENSIONS, World

FIRST_ID = 500_000_000


@dataclass
class Customers:
    """Columns over customers, in the order in which they join.

    Attributes
    ----------
    joined, left : ndarrays, shape (customers,)
        Days after the first of the world; a customer visits on `joined <= day < left`. Those of the start joined before day 0.
    visits : ndarray of float
        Mean visits a day.
    propensity : ndarray of float
        Factor of the chance that a visit ends in a purchase, mean 1.
    main : dict of str to ndarray of int8
        The usual country, device and channel, as positions in `World.values`.
    favourites : ndarray of int32, shape (customers, favourites)
        Products bought again, the dearest to the customer first.
    """

    joined: np.ndarray
    left: np.ndarray
    visits: np.ndarray
    propensity: np.ndarray
    main: dict[str, np.ndarray]
    tier: np.ndarray
    favourites: np.ndarray
    usual_price: np.ndarray
    bot: np.ndarray
    consent: np.ndarray
    segments: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.joined)

    def active(self, day: int) -> np.ndarray:
        """Return whether each customer visits on a day, bots included."""
        return (self.joined <= day) & (day < self.left)

    def ids(self) -> pa.Array:
        """Return the user ids as text."""
        return pa.array(np.arange(len(self), dtype=np.int64) + FIRST_ID).cast(pa.string())

    def under(self, rule: Rule, world: World) -> np.ndarray:
        """Return which customers, bots apart, a rule holds for."""
        members = ~self.bot
        for dimension in DIMENSIONS:
            wanted = getattr(rule, dimension)
            if wanted:
                members = members & np.isin(
                    self.main[dimension], [world.values(dimension).index(one) for one in wanted]
                )
        if rule.price is not None:
            most = float("inf") if rule.price.max is None else rule.price.max
            members = members & (self.usual_price >= rule.price.min) & (self.usual_price < most)
        return members

    def assign_segments(self, world: World) -> None:
        """Find the members of the risky segments as the customers are now.

        Raises
        ------
        ConfigurationError
            When a segment holds fewer customers than its min_share.
        """
        people = max(int((~self.bot).sum()), 1)
        for segment in world.risky_segments:
            members = self.under(segment.where, world)
            share = members.sum() / people
            if share < segment.min_share:
                raise ConfigurationError(
                    f"risky_segments.{segment.name} holds {share:.1%} of the customers, less than its min_share of "
                    f"{segment.min_share:.1%}; widen its rule, change the mix, or lower min_share"
                )
            self.segments[segment.name] = members

    def switch(self, world: World, day: int, rng: np.random.Generator) -> None:
        """Let some of those who joined before the shift take a device and a channel of the new mix for their usual one."""
        if world.shift is None:
            return
        for dimension in ("device", "channel"):
            if getattr(world.shift, dimension) is not None:
                some = np.flatnonzero((self.joined < day) & (rng.random(len(self)) < world.shift.switching))
                shares = world.shares(dimension, shifted=True)
                self.main[dimension][some] = rng.choice(len(shares), len(some), p=shares)


def draw_customers(world: World, products: Products, rng: np.random.Generator) -> Customers:
    """Return everyone who is a customer at some time of the world."""
    model = world.customers
    new = np.full(world.days, model.new_per_day * model.population)
    shift_day = world.day_number(world.shift.date) if world.shift else world.days
    if world.shift:
        new[shift_day:] *= world.shift.new_customers
    joining = rng.poisson(new)
    joined = np.concatenate([-rng.integers(1, 366, model.population), np.repeat(np.arange(world.days), joining)])
    count = len(joined)
    rate = rng.gamma(model.lifetime_shape, 1 / (model.lifetime_shape * model.lifetime_days), count)
    life = np.minimum(rng.exponential(1.0, count) / np.maximum(rate, 1e-9), 1e6).astype(np.int64) + 1
    main = {}
    for dimension in DIMENSIONS:
        before, after = (world.shares(dimension, shifted) for shifted in (False, True))
        drawn = rng.choice(len(before), count, p=before)
        main[dimension] = np.where(joined >= shift_day, rng.choice(len(after), count, p=after), drawn).astype(np.int8)
    tier = rng.integers(0, TIERS, count)
    low, high = products.tier_edges[tier][:, None], products.tier_edges[tier + 1][:, None]
    width = world.sessions.favourites
    favourites = np.empty((count, width), np.int32)
    for column in range(width):
        favourites[:, column] = products.pick(low[:, 0], high[:, 0], rng, count)
    bot = rng.random(count) < (world.bots.share if world.bots else 0.0)
    left = np.maximum(joined, 0) + life
    return Customers(
        joined=joined,
        left=np.where(bot, world.days, left),
        visits=np.where(bot, 0.0, rng.gamma(model.visits_shape, model.visits_per_week / 7 / model.visits_shape, count)),
        propensity=rng.gamma(model.conversion_shape, 1 / model.conversion_shape, count),
        main=main,
        tier=tier,
        favourites=favourites,
        usual_price=products.first_cents[favourites].mean(axis=1) / 100,
        bot=bot,
        consent=rng.random(count) < model.consent,
    )
