"""Small shops of two sources over five months, drawn at random so that whatever a snapshot must get right happens in them."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import sqlalchemy as sa
import yaml

from customer_behavior.stages.ingest_events import ingest
from customer_behavior.warehouse import Warehouse
from features import oracle
from support import small_shop

FIRST = date(2023, 10, 20)
DAYS = 155  # both clock changes of New York, 5 November and 10 March, and five firsts of a month
LAST = FIRST + timedelta(days=DAYS - 1)
LATENESS = 9
ZONE = ZoneInfo("America/New_York")  # the shop's
ZONES = {"till": ZONE, "web": ZoneInfo("UTC")}
STAFF, BOT = "c00", "c01"
MAX_EVENTS, MAX_ORDERS = 25, 5
HEADER = (
    "id", "time", "type", "customer", "session", "order", "item", "group", "units", "price", "off", "country", "device", "channel",
)  # fmt: skip
COLUMNS = {
    "event_time": "time", "event_type": "type", "customer_id": "customer", "session_id": "session", "order_id": "order",
    "product_id": "item", "category": "group", "quantity": "units", "price": "price", "discount": "off",
    "country": "country", "device": "device", "channel": "channel",
}  # fmt: skip
SHARED = {
    "on_missing": "empty",
    "max_lateness_days": LATENESS,
    "rules": {"negative_quantity": "return"},
    "reject_limit": 0.0,
    "currency": "USD",
}
SOURCES = {
    "till": {**SHARED, "description": "Random till", "path": "till/{date}.csv", "columns": COLUMNS},
    "web": {
        **SHARED,
        "description": "Random web shop",
        "path": "web/{date}.csv",
        "columns": {**COLUMNS, "event_id": "id"},
    },
}
# Names whose order is another one by bytes than in a dictionary.
CATEGORIES = ("beta", "Alpha", "alpha", "Zeta", "éclair", "wine")
TYPES = (
    "view",
    "view",
    "view",
    "cart",
    "cart",
    "purchase",
    "remove_from_cart",
    "favourite",
    "search",
    "other",
    "return",
)
Batches = dict[tuple[str, date], list[dict[str, object]]]


def configure(folder: Path) -> dict[str, str]:
    """Write the configuration of such a shop below `folder`; return the environment that names it."""
    environment = small_shop.configure(folder)
    path = folder / "config" / "shop.yaml"
    shop = yaml.safe_load(path.read_text())
    bots = {"max_events_per_day": MAX_EVENTS, "max_orders_per_day": MAX_ORDERS}
    path.write_text(yaml.safe_dump({**shop, "sources": list(SOURCES), "staff": [STAFF], "bots": bots}))
    for name, source in SOURCES.items():
        (folder / "sources" / f"{name}.yaml").write_text(yaml.safe_dump({**source, "timezone": str(ZONES[name])}))
    return environment


def draw(seed: int, days: int = DAYS) -> Batches:
    """Return (source, batch date) to the lines of its file. Not every date has one."""
    random = np.random.default_rng(seed)
    batches: Batches = defaultdict(list)
    rates = {f"c{number:02d}": random.choice([0.03, 0.1, 0.25]) for number in range(2, 11)}
    rates |= {STAFF: 0.05, BOT: 0.05, "": 0.08}
    for offset in range(days):
        day = FIRST + timedelta(days=offset)
        for source in SOURCES:
            for customer in active(rates, offset, random):
                _visit(batches, random, source, customer, day, "" if customer == "c02" else None)
        if offset % 7 == 3:  # as regular as a clock: the days between vary by nothing
            _visit(batches, random, "till", "c03", day, "purchase")
        if offset in (20, 90, 91):
            for _ in range(int(random.integers(3, 9))):
                _visit(batches, random, str(random.choice(list(SOURCES))), BOT, day, "purchase", at_most_late=2)
    _deliver_again(batches, random)
    return batches


def active(rates: dict[str, float], offset: int, random: np.random.Generator) -> Iterable[str]:
    """Return who comes on a day: c04 only in the first month, c05 only in the last weeks, c06 on two days, c03 elsewhere."""
    for customer, rate in rates.items():
        comes = random.random() < rate
        if customer == "c04":
            comes = offset < 30 and random.random() < 0.2
        elif customer == "c05":
            comes = offset > 125 and random.random() < 0.2
        elif customer == "c06":
            comes = offset in (10, 100)
        elif customer == "c03":
            comes = False
        if comes:
            yield customer


def _visit(
    batches: Batches,
    random: np.random.Generator,
    source: str,
    customer: str,
    day: date,
    only: str | None,
    at_most_late: int = LATENESS - 1,  # as a shop-local day a stamp in UTC is a day older
) -> None:
    """Add a visit: events that follow on each other, in one or two batches; `only` "" is a visit without a purchase."""
    hour = int(random.choice([0, 1, 2, 5, 6, 9, 11, 12, 17, 18, 21, 23]))
    time = datetime(day.year, day.month, day.day, hour, int(random.choice([0, 30, 59])), int(random.integers(60)))
    named = not customer or random.random() < 0.75
    number = len(batches[source, day])
    session = f"{source}-{day:%m%d}-{number}" if named else ""
    order = f"o-{session or number}-{day:%m%d}" if random.random() < 0.5 else ""
    late = int(random.integers(1, at_most_late + 1)) if random.random() < 0.25 else 0
    early = late == 0 and hour < 12 and random.random() < 0.2
    texts = {name: str(random.choice(["", "", *values])) for name, values in TEXTS.items()}
    for _ in range(int(random.integers(1, 7))):
        kind = only or str(random.choice(TYPES))
        kind = "cart" if only == "" and kind == "purchase" else kind
        until = late + (int(random.random() < 0.1) if late < at_most_late else 0)
        batch = day + timedelta(days=-1 if early else until)
        again = random.random() < 0.1
        batches[source, batch].append(
            {
                "id": f"{source}{day:%m%d}{number}{time:%H%M%S%f}{random.integers(10**9)}",
                "time": time.isoformat(sep=" "),
                "type": kind if source == "web" or kind != "return" else "purchase",
                "customer": customer,
                "session": session,
                "order": order if kind in ("purchase", "return") else "",
                "item": str(random.choice(["", "p1", "p2", "p3", "p4"])),
                "group": str(random.choice(["", *CATEGORIES])),
                "units": ("-" if source == "till" and kind == "return" else "")
                + str(random.choice(["1", "1", "2", "0.5"])),
                "price": str(random.choice(["", "0", "9.99", "2.50", "120", f"{random.integers(1, 5000) / 100:.2f}"])),
                "off": str(random.choice(["", "0", "1.25", "0.01"])),
                **(texts if not again else {name: str(random.choice(["", *values])) for name, values in TEXTS.items()}),
            }
        )
        time += timedelta(seconds=float(random.choice([0, 0.25, 40.5, 600, 1800.75])))


TEXTS = {
    "country": ("US", "de", "Åland"),
    "device": ("phone", "Desktop", "tablet"),
    "channel": ("mail", "Ads", "search"),
}


def _deliver_again(batches: Batches, random: np.random.Generator) -> None:
    """Put some lines into the next batch a second time: the earlier one keeps them."""
    for (source, day), lines in list(batches.items()):
        for line in lines:
            if random.random() < 0.03 and _days_late(line, day) < LATENESS - 1:
                batches[source, day + timedelta(days=1)].append(line)


def _days_late(line: dict[str, object], batch: date) -> int:
    return (batch - date.fromisoformat(str(line["time"])[:10])).days


def land(folder: Path, batches: Batches) -> None:
    """Write the files of batches; one without lines has a header alone."""
    for (source, day), lines in batches.items():
        path = folder / source / f"{day}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, HEADER, lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)


def load(warehouse: Warehouse, first: date, last: date) -> None:
    """Load the batches `first` to `last` of both sources."""
    for source in SOURCES:
        assert ingest(warehouse, source, first, last)["rows_rejected"] == 0


def events(warehouse: Warehouse) -> pd.DataFrame:
    """Return raw.events, as far as the oracle asks."""
    with warehouse.begin() as connection:
        return pd.read_sql(
            sa.text(
                "SELECT event_time, event_day, customer_id, session_id, event_type, product_id, order_id, quantity::text AS quantity, "
                "price::text AS price, discount::text AS discount, refunded::text AS refunded, superseded_on, category, country, device, "
                "channel, batch_date, source "
                "FROM raw.events ORDER BY event_time, source, event_id"
            ),
            connection,
        )


def expected(events: pd.DataFrame, as_of: list[date]) -> dict[date, dict[str, dict]]:
    """Return what the oracle makes of the events, as of each date."""
    known = oracle.read(events, ZONE)
    rules: dict[str, Any] = {
        "staff": {STAFF},
        "max_events_per_day": MAX_EVENTS,
        "max_orders_per_day": MAX_ORDERS,
        "order_reach": LATENESS,
    }
    return {day: oracle.snapshot(known, day, **rules) for day in as_of}


def taken(warehouse: Warehouse, as_of: date) -> dict[str, dict]:
    """Return customer to column to value, of the snapshot that is there."""
    with warehouse.begin("score") as connection:
        rows = connection.execute(
            sa.text("SELECT * FROM features.customer_snapshot WHERE as_of_date = :day"), {"day": as_of}
        ).mappings()
        return {
            row["customer_id"]: {k: v for k, v in row.items() if k not in ("as_of_date", "customer_id")} for row in rows
        }
