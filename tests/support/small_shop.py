"""A shop small enough for tests: its configuration, its source, and daily landing files with known contents."""

from __future__ import annotations

import csv
import gzip
import shutil
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from customer_behavior.paths import INCLUDE_DIR

SOURCE = "till"
HEADER = ("time", "type", "customer", "basket", "item", "group", "units", "price", "off")
FIRST_DAY = date(2024, 1, 1)
SOURCE_FILE: dict[str, Any] = {
    "description": "Tests' own till",
    "path": "till/{date}.csv",
    "timezone": "America/New_York",
    "currency": "USD",
    "on_missing": "fail",
    "max_lateness_days": 3,
    "columns": {
        "event_time": "time",
        "event_type": "type",
        "customer_id": "customer",
        "session_id": "basket",
        "order_id": "basket",
        "product_id": "item",
        "category": "group",
        "quantity": "units",
        "price": "price",
        "discount": "off",
    },
    "rules": {"negative_quantity": "return"},
    "reject_limit": 0.5,
}


def configure(folder: Path, source: dict | None = None, **training: object) -> dict[str, str]:
    """Write the shop's configuration and source below `folder`; return the environment that names them.

    `source` is merged over SOURCE_FILE, `training` over a quick training section.
    """
    config, sources = folder / "config", folder / "sources"
    shutil.copytree(INCLUDE_DIR / "config", config, dirs_exist_ok=True)
    sources.mkdir(exist_ok=True)
    shop = yaml.load((config / "shop.yaml").read_text(), Loader=yaml.CSafeLoader)
    shop["sources"] = [SOURCE]
    (config / "shop.yaml").write_text(yaml.dump(shop, Dumper=yaml.CSafeDumper))
    targets = yaml.load((config / "targets.yaml").read_text(), Loader=yaml.CSafeLoader)
    quick = {
        "fit_snapshots": 4,
        "tune_snapshots": 1,
        "minimum_rows": 100,
        "minimum_positives": 20,
        "bootstrap_samples": 20,
    }
    targets["training"].update(quick, **training)
    targets["training"]["tuning"].update(trials=1, max_trees=30)
    targets["targets"] = {name: targets["targets"][name] for name in ("purchase", "lapse")}
    targets["targets"]["purchase"]["horizons"] = [7]
    targets["training"]["xgboost"].update(n_estimators=30)
    (config / "targets.yaml").write_text(yaml.dump(targets, Dumper=yaml.CSafeDumper, sort_keys=False))
    (sources / f"{SOURCE}.yaml").write_text(
        yaml.dump({**SOURCE_FILE, **(source or {})}, Dumper=yaml.CSafeDumper, sort_keys=False)
    )
    landing = folder / "landing"
    landing.mkdir(exist_ok=True)
    return {
        "CUSTOMER_BEHAVIOR_CONFIG": str(config),
        "CUSTOMER_BEHAVIOR_SOURCES": str(sources),
        "LANDING_DIR": str(landing),
    }


def line(
    time: str | int,
    customer: str = "c1",
    basket: str = "b1",
    item: str = "milk",
    units: object = 1,
    price: object = "2.50",
    **rest,
) -> dict:
    """Return one line of the till; `rest` may give type, group and off."""
    return {
        "time": time,
        "type": rest.get("type", "purchase"),
        "customer": customer,
        "basket": basket,
        "item": item,
        "group": rest.get("group", "dairy"),
        "units": units,
        "price": price,
        "off": rest.get("off", "0"),
    }


def land(landing: Path, day: date, lines: Iterable[dict | str], compressed: bool = False) -> Path:
    """Write the landing file of a day; a line given as text is written as it is."""
    path = landing / SOURCE / f"{day}.csv{'.gz' if compressed else ''}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", newline="") if compressed else path.open("w", newline="") as file:
        writer = csv.DictWriter(file, HEADER, lineterminator="\n")
        writer.writeheader()
        for one in lines:
            if isinstance(one, str):
                file.write(one + "\n")
            else:
                writer.writerow(one)
    return path


def land_history(landing: Path, days: int, customers: int = 120, seed: int = 1) -> int:
    """Land `days` days from FIRST_DAY of a shop whose customers each buy at a rate of their own; return the lines."""
    random = np.random.default_rng(seed)
    rate = random.beta(1.2, 6.0, customers)
    total = 0
    for offset in range(days):
        day = FIRST_DAY + timedelta(days=offset)
        lines = []
        for customer in np.flatnonzero(random.random(customers) < rate):
            basket = f"{day:%m%d}-{customer}"
            for item in random.choice(["milk", "bread", "wine", "soap", "tea"], random.integers(1, 4), replace=False):
                stamp = f"{day} {9 + customer % 12:02d}:{random.integers(60):02d}:00"
                price = round(2 + len(item) / 2 + random.random(), 2)
                lines.append(line(stamp, f"c{customer:03d}", basket, str(item), 1, price))
        land(landing, day, lines)
        total += len(lines)
    return total
