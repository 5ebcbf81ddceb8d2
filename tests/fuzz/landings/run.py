"""Many mini shops in one load: what the warehouse says at each date, beside the oracle."""

from __future__ import annotations

import os
import random
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import sqlalchemy as sa

from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.stages.ingest_events import ingest
from customer_behavior.stages.migrate_warehouse import upgrade
from customer_behavior.warehouse import Warehouse
from fuzz.landings.files import configure, land
from fuzz.landings.oracle import Day, as_of
from fuzz.landings.shops import BATCHES, KINDS, ZONE, Case, make_case

CASES_A_LOAD = 600
DELIVERY = {"till": "lines", "ga4": "lines", "shopify_orders": "whole"}
DATES = tuple(batch + timedelta(days=1) for batch in BATCHES)
ROUNDING = 0.1
"""Cents by which amounts may differ: the rollup keeps four decimals."""
KNOWN = "batch_date < :day AND (superseded_on IS NULL OR superseded_on >= :day) AND event_day < :day"
FROM_ROLLUP = f"""
SELECT customer_id, event_day, sum(orders) AS orders, sum(revenue) AS net, sum(gross_revenue) AS gross
FROM features.customer_day WHERE {KNOWN} GROUP BY customer_id, event_day"""
FROM_EVENTS = f"""
SELECT
    customer_id, event_day, NULL AS orders,
    sum(quantity * (price - coalesce(refunded, 0))) AS net,
    sum(quantity * price) AS gross
FROM raw.events WHERE {KNOWN} AND charge IS NULL AND (event_type = 'purchase' OR refunded IS NOT NULL) GROUP BY customer_id, event_day"""
READ = {"features.customer_day": FROM_ROLLUP, "raw.events": FROM_EVENTS}
"""Where orders, revenue and customers of a day are read, as known at a date."""


def run(cases: int, seed: int, shown: int = 10) -> int:
    """Land and load so many cases, print how many differ and the first of them, and return how many did."""
    began = time.monotonic()
    with _postgres() as postgres:
        differing = 0
        for first in range(0, cases, CASES_A_LOAD):
            numbers = range(first, min(first + CASES_A_LOAD, cases))
            for case, sentences in _with_warehouse(postgres, [make_case(number, seed) for number in numbers], seed):
                differing += 1
                if differing <= shown:
                    print(f"case {case.number} ({case.source}, SEED={seed}):", *sentences[:4], sep="\n  ", flush=True)
            seconds = time.monotonic() - began
            print(f"{numbers.stop:,} cases, {differing:,} differ ({seconds:.0f} s)", flush=True)
    return differing


def differences(warehouse: Warehouse, folder: Path, cases: list[Case], seed: int) -> Iterator[tuple[Case, list[str]]]:
    """Land the cases together, load them in an order of chance, and yield those of which the warehouse says another thing."""
    os.environ.update(configure(folder))
    landing = folder / "landing"
    chance = random.Random(f"load {seed} {cases[0].number}")
    for source in KINDS:
        land(landing, [line for case in cases if case.source == source for line in case.lines], source, chance)
    _load(warehouse, landing, chance)
    said: dict[int, list[str]] = defaultdict(list)
    owner = {line.customer: case.number for case in cases for line in case.lines}
    for day in DATES:
        expected = {
            key: found for case in cases for key, found in as_of(case.lines, day, ZONE, DELIVERY[case.source]).items()
        }
        for place, statement in READ.items():
            read = _read(warehouse, statement, day)
            for customer, at in sorted({*expected, *read}):
                right, there = expected.get((customer, at), Day()), read.get((customer, at), Day())
                if not _equal(right, there, "NULL AS orders" not in statement):
                    said[owner[customer]].append(
                        f"as of {day}, {place}: {customer} on {at} has {there}, expected {right}"
                    )
    by_number = {case.number: case for case in cases}
    for number, sentences in said.items():
        yield by_number[number], sentences


def _load(warehouse: Warehouse, landing: Path, chance: random.Random) -> None:
    """Load all batches in an order of chance: one by one, some of them twice, or ranges at once."""
    for source in chance.sample(KINDS, len(KINDS)):
        if chance.random() < 0.3:
            ingest(warehouse, source, BATCHES[0], BATCHES[-1], landing=landing)
            order = chance.sample(BATCHES, 2)
        else:
            order = [*chance.sample(BATCHES, len(BATCHES)), chance.choice(BATCHES)]
        for batch in order:
            ingest(warehouse, source, batch, batch, landing=landing)


def _read(warehouse: Warehouse, statement: str, day: date) -> dict[tuple[str, date], Day]:
    with warehouse.begin() as connection:
        rows = connection.execute(sa.text(statement), {"day": day}).all()
    found = {
        (row.customer_id, row.event_day): Day(
            int(row.orders or 0), 100 * float(row.net or 0), 100 * float(row.gross or 0)
        )
        for row in rows
    }
    return {key: day for key, day in found.items() if day.orders or day.gross}


def _equal(one: Day, other: Day, with_orders: bool) -> bool:
    """Return whether two days agree."""
    amounts = ((one.net, other.net), (one.gross, other.gross))
    return (one.orders == other.orders or not with_orders) and all(abs(a - b) < ROUNDING for a, b in amounts)


def _with_warehouse(postgres: EmbeddedPostgres, cases: list[Case], seed: int) -> Iterator[tuple[Case, list[str]]]:
    name = f"landings_{uuid.uuid4().hex[:12]}"
    postgres.create_database(name, template="migrated")
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield from list(differences(Warehouse(postgres.url(name)), Path(folder), cases, seed))
    finally:
        postgres.drop_database(name)


@contextmanager
def _postgres() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder), {"fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB"})
        server.start()
        try:
            server.create_database("migrated")
            upgrade(server.url("migrated"))
            yield server
        finally:
            server.destroy()
