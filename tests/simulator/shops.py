"""A simulated shop, with what its files say read back by DuckDB."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import pandas as pd

from customer_behavior.simulator import World


@dataclass
class Shop:
    """A simulated shop: its world, its folder, and what its files hold."""

    world: World
    out: Path

    @cached_property
    def manifest(self) -> dict:
        return json.loads((self.out / "manifest.json").read_text())

    @cached_property
    def events(self) -> pd.DataFrame:
        """All rows that have a readable time, repeated deliveries once, with `day` and `hour` of the shop's clock."""
        with duckdb.connect() as engine:
            return engine.execute(
                f"""
                WITH read AS (
                    SELECT * FROM read_csv('{self.out}/clickstream/*.csv.gz', all_varchar = true, ignore_errors = true)
                )
                SELECT DISTINCT event_type AS type, product_id AS product, CAST(price AS DOUBLE) AS price,
                    user_id AS customer, user_session AS session, country, device, channel, category_code AS category,
                    CAST(replace(event_time, ' UTC', '') AS TIMESTAMP) AS time,
                    timezone('{self.world.timezone}', timezone('UTC', time)) AS local,
                    CAST(local AS DATE) AS day, hour(local) AS hour
                FROM read
                WHERE regexp_full_match(event_time, '20[0-9-]+ [0-9:]+ UTC') AND try_cast(price AS DOUBLE) BETWEEN 0 AND 1e6
                    AND event_type IN ('view', 'cart', 'remove_from_cart', 'purchase', 'return')
                    AND try_cast(replace(event_time, ' UTC', '') AS TIMESTAMP) IS NOT NULL
                ORDER BY time, session, type, product
                """
            ).df()

    @cached_property
    def sessions(self) -> pd.DataFrame:
        """One row a visit: whose, when, how, and whether it ended in an order. Returns are no visits."""
        visits = self.events[self.events.type != "return"]
        found = visits.groupby("session").agg(
            customer=("customer", "first"),
            day=("day", "min"),
            hour=("hour", "first"),
            device=("device", "first"),
            channel=("channel", "first"),
            country=("country", "first"),
            events=("type", "size"),
        )
        found["bought"] = found.index.isin(visits.session[visits.type == "purchase"])
        return found


def world_of(**content) -> World:
    """Return a small world of a month, and what is given."""
    small = {"first_day": "2024-03-01", "days": 30, "customers": {"population": 400, "visits_per_week": 3}}
    return World.model_validate(small | content)
