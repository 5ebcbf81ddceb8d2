"""How many customers, or how many visits of each, make about so many events."""

import numpy as np

from customer_behavior.errors import ConfigurationError
from customer_behavior.simulator.catalogue import Products, draw_products
from customer_behavior.simulator.population import Customers, draw_customers
from customer_behavior.simulator.sessions import Day, draw_rows, draw_visits
from customer_behavior.simulator.world import World, changed

PILOT_CUSTOMERS, PILOT_VISITS = 20_000, 20_000


def scaled(world: World, events: int | None, customers: int | None) -> tuple[World, float]:
    """Return the world with its number of customers, and the factor of everyone's visits."""
    if customers is not None:
        world = changed(world, customers=customers)
    if events is None:
        return world, 1.0
    if customers is None:
        pilot = changed(world, customers=PILOT_CUSTOMERS)
        by_people, by_bots = _expected(pilot, *_drawn(pilot))
        population = round(PILOT_CUSTOMERS * events / max(by_people + by_bots, 1e-9))
        world = changed(world, customers=max(population, 50))
    by_people, by_bots = _expected(world, *_drawn(world))
    if events <= by_bots or by_people <= 0:
        raise ConfigurationError(
            f"{events} events are fewer than the {by_bots:.0f} of the bots alone; ask for more, or for fewer bots or customers"
        )
    return world, (events - by_bots) / by_people


def _drawn(world: World) -> tuple[Products, Customers]:
    products = draw_products(world.catalogue, world.rng("products"))
    return products, draw_customers(world, products, world.rng("customers"))


def _expected(world: World, products: Products, customers: Customers) -> tuple[float, float]:
    """Return the expected number of events of people, and of bots."""
    visits = bots = 0.0
    for number in range(world.days):
        active = customers.active(number)
        visits += float(customers.visits[active].sum()) * Day.of(world, number).traffic(world)
        bots += float((active & customers.bot).sum())
    rng = world.rng("scale")
    day = Day.of(world, world.days // 2)
    people = np.flatnonzero(~customers.bot)
    chance = customers.visits[people] / customers.visits[people].sum()
    who = rng.choice(people, PILOT_VISITS, p=chance)
    drawn = draw_visits(world, customers, products, day, who, customers.propensity, rng)
    rows = draw_rows(world, products, drawn, rng)
    returned = drawn.bought.sum() * world.sessions.returns
    per_visit = (len(rows) + returned) / PILOT_VISITS
    return visits * per_visit, bots * (world.bots.views_per_day if world.bots else 0)
