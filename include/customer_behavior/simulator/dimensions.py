"""Files of products, customers and contacts: the first day's has all, a later day's what is new or changed since."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_behavior.simulator.catalogue import Products, money
from customer_behavior.simulator.lines import content, stamps
from customer_behavior.simulator.population import Customers
from customer_behavior.simulator.sessions import Day
from customer_behavior.simulator.treatment import ARMS, Contacts
from customer_behavior.simulator.world import World

CONTACT_HOUR = 8


def _file(columns: dict[str, pa.Array]) -> bytes:
    header = (",".join(columns) + "\n").encode()
    last = pc.binary_join_element_wise(list(columns.values())[-1], "\n", "")
    return header + bytes(content(pc.binary_join_element_wise(*list(columns.values())[:-1], last, ",")))


def products_file(products: Products, changed: np.ndarray) -> bytes:
    """Return some products as they are today."""
    some = pa.array(changed)
    return _file(
        {
            "product_id": products.ids.take(some),
            "price": money(products.cents[changed]),
            "cost": money(products.cost[changed]),
            "category": products.category_codes.take(some),
            "brand": products.brands.take(some),
            "stock": pa.array(products.stock[changed]).cast(pa.string()),
        }
    )


def customers_file(world: World, customers: Customers, ids: pa.Array, changed: np.ndarray) -> bytes:
    """Return some customers as they are today; `joined` is empty for those who were there before the first day."""
    countries = pa.array(world.values("country"), pa.string())
    joined = customers.joined[changed]
    days = pc.utf8_slice_codeunits(stamps((np.maximum(joined, 0) + _epoch_day(world)) * 86_400), 0, 10)
    return _file(
        {
            "user_id": ids.take(pa.array(changed)),
            "country": countries.take(pa.array(customers.main["country"][changed])),
            "consent": pa.array(customers.consent[changed]).cast(pa.string()),
            "joined": pc.if_else(pa.array(joined < 0), "", days),
        }
    )


def contacts_file(world: World, contacts: Contacts, ids: pa.Array, day: Day) -> bytes:
    """Return the contacts of a day."""
    actions = pa.array(list(world.treatment.actions) if world.treatment else [], pa.string())
    return _file(
        {
            "contact_time": stamps(np.full(len(contacts.customer), day.begin + CONTACT_HOUR * 3600)),
            "user_id": ids.take(pa.array(contacts.customer)),
            "action": actions.take(pa.array(contacts.action)),
            "arm": pa.array(ARMS, pa.string()).take(pa.array(contacts.arm)),
        }
    )


def truth_file(world: World, customers: Customers, ids: pa.Array) -> bytes:
    """Return what the simulator knows about each customer: for judging, never for the platform to read."""
    names = {
        name: pa.array(world.values(name), pa.string()).take(pa.array(column))
        for name, column in customers.main.items()
    }
    segments = pa.array([""] * len(customers), pa.string())
    for segment, inside in customers.segments.items():
        segments = pc.binary_join_element_wise(segments, pc.if_else(pa.array(inside), f"{segment};", ""), "")
    return _file(
        {
            "user_id": ids,
            "joined_day": pa.array(customers.joined).cast(pa.string()),
            "left_day": pa.array(customers.left).cast(pa.string()),
            "visits_per_day": pa.array(np.round(customers.visits, 6)).cast(pa.string()),
            "propensity": pa.array(np.round(customers.propensity, 6)).cast(pa.string()),
            "usual_price": pa.array(np.round(customers.usual_price, 2)).cast(pa.string()),
            **names,
            "bot": pa.array(customers.bot).cast(pa.string()),
            "segments": pc.utf8_rtrim(segments, ";"),
        }
    )


def _epoch_day(world: World) -> int:
    return int(np.datetime64(world.first_day, "D").astype(np.int64))
