"""Visits of simulated and of made-up shops, counted as the estimators want them: by DuckDB and pandas, not by the platform's SQL."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from customer_behavior.simulator import World, simulate

BUCKETS = 64
MAX_EVENTS = 50


def world(seed: int, population: int = 2_000, days: int = 90, **planted) -> World:
    """Return a shop with what is given planted in it."""
    customers = {"population": population, **planted.pop("customers", {})}
    given = {"seed": seed, "first_day": "2024-01-01", "days": days, "timezone": "Europe/Berlin", "dimensions": False}
    return World.model_validate({**given, "customers": customers, **planted})


def visits_of(shop: World, folder: Path) -> pd.DataFrame:
    """Simulate a shop; return its visits with customer, product, price, day, hour and whether they bought."""
    simulate(shop, folder, compress=False)
    query = f"""
        WITH events AS (
            SELECT user_session AS visit, user_id AS customer, product_id AS product, CAST(price AS DOUBLE) AS price,
                event_type AS type, CAST(replace(event_time, ' UTC', '') AS TIMESTAMP) AS time
            FROM read_csv('{folder}/clickstream/*.csv', all_varchar = true)
        ),
        looked AS (
            SELECT visit, product, min(customer) AS customer, count(*) AS events, min(time) AS time,
                count(*) FILTER (type = 'view') AS views, min(time) FILTER (type = 'view') AS first,
                min(price) FILTER (type = 'view') AS price, bool_or(type = 'purchase') AS bought,
                bool_or(type != 'purchase' AND type != 'return') AS browsed
            FROM events GROUP BY visit, product
        )
        SELECT visit, min(customer) AS customer, bool_or(bought) AS bought,
            first(product ORDER BY views DESC, first, product) AS product,
            first(price ORDER BY views DESC, first, product) AS price,
            timezone('{shop.timezone}', timezone('UTC', min(time))) AS local
        FROM looked GROUP BY visit HAVING bool_or(browsed) AND sum(events) <= {MAX_EVENTS} ORDER BY visit
    """
    with duckdb.connect() as engine:
        visits = engine.execute(query).df()
    visits["hour"] = visits["local"].dt.hour
    visits["day"] = (visits["local"].dt.normalize() - pd.Timestamp(shop.first_day)) // timedelta(days=1)
    return visits


def made_up(
    seed: int,
    visits: int = 20_000,
    *,
    products: int = 500,
    customers: int = 3_000,
    conversion: float = 0.08,
    step: tuple[float, float] | None = None,
    slope: float = 0.0,
    product_spread: float = 0.0,
    customer_spread: float = 0.0,
) -> pd.DataFrame:
    """Return visits of a shop without habits: log-normal prices, popularity by rank; `step` is a price and a factor.

    Conversion falls with price to the power of `slope`; products and customers each have a factor of their own, log-normal with a
    spread.
    """
    rng = np.random.default_rng(seed)
    price = np.round(60 * rng.lognormal(0, 0.8, products), 2)
    share = (1 + rng.permutation(products)) ** -0.7
    product = rng.choice(products, visits, p=share / share.sum())
    customer = rng.integers(0, customers, visits)
    chance = conversion * (price[product] / 60) ** slope
    for who, count, spread in ((product, products, product_spread), (customer, customers, customer_spread)):
        chance = chance * rng.lognormal(-(spread**2) / 2, spread, count)[who]
    if step:
        chance = np.where(price[product] > step[0], chance * step[1], chance)
    return pd.DataFrame(
        {
            "customer": customer,
            "product": product,
            "price": price[product],
            "bought": rng.random(visits) < np.minimum(chance, 0.9),
            "day": rng.integers(0, 60, visits),
            "hour": rng.integers(0, 24, visits),
        }
    )


def bucket(column: pd.Series) -> np.ndarray:
    return (pd.util.hash_array(column.to_numpy().astype(str).astype(object)) % BUCKETS).astype(int)


def cells(visits: pd.DataFrame) -> pd.DataFrame:
    """Return what insights/visit_prices.sql returns."""
    coded = visits.assign(cell=np.floor(np.log(visits["price"]) / 0.0025).astype(int))
    return pd.concat(
        coded.assign(clusters=kind, cluster=bucket(visits[kind]))
        .groupby(["clusters", "cluster", "cell"], as_index=False)
        .agg(lowest=("price", "min"), highest=("price", "max"), visits=("bought", "size"), purchases=("bought", "sum"))
        for kind in ("product", "customer")
    )


def hours(visits: pd.DataFrame) -> pd.DataFrame:
    """Return what insights/visit_hours.sql returns."""
    clusters: dict[str, pd.Series | np.ndarray] = {"day": visits["day"], "customer": bucket(visits["customer"])}
    return pd.concat(
        visits.assign(clusters=kind, cluster=cluster)
        .groupby(["clusters", "cluster", "hour"], as_index=False)
        .agg(visits=("bought", "size"), purchases=("bought", "sum"))
        for kind, cluster in clusters.items()
    )
