"""Simulated shops: what their customers bought, straight in the rollup, and a configuration small enough for tests."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from customer_behavior.paths import INCLUDE_DIR
from customer_behavior.warehouse import Warehouse, copy_frame

FIRST_DAY = date(2024, 1, 1)
SOURCE = "clickstream"


def small_config(folder: Path, **training) -> None:
    """Write the shipped configuration into `folder`, with one source and few, quick training steps."""
    shutil.copytree(INCLUDE_DIR / "config", folder, dirs_exist_ok=True)
    shop = yaml.load((folder / "shop.yaml").read_text(), Loader=yaml.CSafeLoader)
    targets = yaml.load((folder / "targets.yaml").read_text(), Loader=yaml.CSafeLoader)
    shop["sources"] = [SOURCE]
    quick = {
        "fit_snapshots": 4,
        "calibration_snapshots": 2,
        "test_snapshots": 1,
        "minimum_rows": 200,
        "minimum_positives": 30,
        "bootstrap_samples": 30,
        "tune_snapshots": 1,
        "tuning": {**targets["training"]["tuning"], "trials": 2, "max_trees": 40},
    }
    targets["training"].update(quick, **training)
    targets["training"]["xgboost"] = {
        "n_estimators": 40,
        "max_depth": 3,
        "learning_rate": 0.1,
        "subsample": 0.8,
        "min_child_weight": 5,
    }
    (folder / "shop.yaml").write_text(yaml.dump(shop, Dumper=yaml.CSafeDumper, sort_keys=False))
    (folder / "targets.yaml").write_text(yaml.dump(targets, Dumper=yaml.CSafeDumper, sort_keys=False))


def purchases(days: int, customers: int = 300, seed: int = 1, alike: bool = False) -> pd.DataFrame:
    """Return (customer_id, event_day) of a shop whose customers buy on their own random days.

    Each customer has a rate of its own, or all the same one if `alike`: then nothing known of them tells who buys next.
    """
    random = np.random.default_rng(seed)
    rate = np.full(customers, 0.08) if alike else random.beta(0.6, 6.0, customers)
    customer, day = np.nonzero(random.random((customers, days)) < rate[:, None])
    return pd.DataFrame(
        {"customer_id": [f"c{n:05d}" for n in customer], "event_day": [FIRST_DAY + timedelta(days=int(n)) for n in day]}
    )


def open_shop(warehouse: Warehouse, bought: pd.DataFrame, days: int) -> None:
    """Write purchases into the rollup and a ledger row for each of the shop's first `days` days.

    `bought` has customer_id, event_day, and batch_date where it is not the event's day.
    """
    if "batch_date" not in bought:
        bought = bought.assign(batch_date=bought["event_day"])
    stamp = [f"{day} 12:00:00+00" for day in bought["event_day"]]
    once = "events purchase_lines orders sessions units products categories top_category_lines afternoon_events"
    never = (
        "views carts cart_removals favourites searches carts_left return_lines discount returned_value cart_value"
        " session_seconds priced_views seen_value night_events morning_events evening_events"
    )
    counts = dict.fromkeys(once.split(), 1) | dict.fromkeys(never.split(), 0)
    rollup = bought[["customer_id", "event_day", "batch_date"]].assign(
        source=SOURCE, **counts, revenue=10, purchase_hours="{12}", first_event_at=stamp, last_event_at=stamp
    )
    ledger = pd.DataFrame(
        [
            {
                "source": SOURCE,
                "batch_date": FIRST_DAY + timedelta(days=n),
                "status": "loaded",
                "files": "{}",
                "rows_read": 0,
                "rows_accepted": 0,
                "rows_rejected": 0,
                "rows_duplicate": 0,
                "event_days": "{}",
            }
            for n in range(days)
        ]
    )
    with warehouse.begin() as connection:
        copy_frame(connection, "features.customer_day", rollup)
        copy_frame(connection, "raw.ingest_batches", ledger)
