"""`make bench-effects`: price thresholds and peak hours of simulated shops, planted and not; writes `.run/bench-effects.json`."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from customer_behavior.insights import Peak, find_peaks, find_threshold
from customer_behavior.paths import REPO_DIR
from insights.worlds import cells, hours, visits_of, world

NEAR = 0.05
"""How far from the planted price a threshold may be, as a share of it."""
NO_THRESHOLD: dict[str, dict[str, Any]] = {
    "plain": {},
    "prices and traffic rise": {"shift": {"date": "2024-02-15", "prices": 1.25, "traffic": 1.5}},
    "products and customers unlike each other": {
        "catalogue": {"products": 200, "categories": 10, "popularity": 1.1},
        "customers": {"conversion_shape": 0.5},
    },
    "peak hours and bots": {
        "peak_hours": {"hours": [18, 19, 20], "traffic": 2.5, "conversion": 1.5},
        "bots": {"share": 0.01},
    },
}


@dataclass(frozen=True)
class Shop:
    """A simulated shop, what is asked of its visits, and the truth about it: a price, hours, or None."""

    group: str
    seed: int
    population: int
    asked: tuple[str, ...]
    price: float | None = None
    peak_hours: tuple[int, ...] | None = None
    planted: dict[str, Any] = field(default_factory=dict)


def shops() -> Iterator[Shop]:
    """Yield the shops of the benchmark, the same ones each time."""
    for population in (1_400, 3_000, 5_000):
        for n in range(20):
            random = np.random.default_rng([population, n])
            price, factor = round(float(np.exp(random.uniform(np.log(20), np.log(180)))), 2), random.uniform(0.25, 0.7)
            planted: dict[str, Any] = {"price_threshold": {"price": price, "factor": round(factor, 2)}}
            yield Shop(f"threshold, {population:,} customers", n, population, ("price",), price, planted=planted)
    for kind, planted in NO_THRESHOLD.items():
        asked = ("price",) if "peak_hours" in planted else ("price", "traffic", "conversion")
        for n in range(30):
            yield Shop(f"nothing: {kind}", 100 + n, 2_000, asked, planted=planted)
    for what, other in (("traffic", "conversion"), ("conversion", "traffic")):
        for n in range(40):
            random = np.random.default_rng([len(what), n])
            begin, length = random.integers(24), random.integers(2, 5)
            peak = tuple(sorted(int(hour) for hour in (begin + np.arange(length)) % 24))
            planted = {"peak_hours": {"hours": list(peak), what: float(random.choice([1.5, 2.0])), other: 1.0}}
            yield Shop(f"peak hours of {what}", 200 + n, 3_000, (what,), peak_hours=peak, planted=planted)


def look(shop: Shop) -> list[dict[str, Any]]:
    """Simulate a shop of 90 days; return for each thing asked whether something was found and whether it is right."""
    with tempfile.TemporaryDirectory() as folder:
        visits = visits_of(world(shop.seed, shop.population, **shop.planted), Path(folder))
    found = []
    for asked in shop.asked:
        row: dict[str, Any] = {"group": shop.group, "asked": asked, "orders": int(visits["bought"].sum())}
        if asked == "price":
            threshold = find_threshold(cells(visits)).threshold
            row["found"] = threshold is not None
            if threshold and shop.price:
                row["right"] = abs(threshold.price / shop.price - 1) <= NEAR
                row["within"] = threshold.low <= shop.price <= threshold.high
        else:
            peak: Peak | None = getattr(find_peaks(hours(visits)), asked)
            row["found"] = peak is not None
            if peak and shop.peak_hours:
                row["right"] = peak.hours == shop.peak_hours
        found.append(row)
    return found


def table(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return shops, found and right by group, with a 95 % interval of the share found (C. Clopper and E. Pearson, 1934)."""
    result = []
    for (group, asked), part in rows.groupby(["group", "asked"], sort=False):
        found, count = int(part["found"].sum()), len(part)
        interval = stats.binomtest(found, count).proportion_ci()
        result.append(
            {
                "group": group,
                "asked": asked,
                "shops": count,
                "orders": round(float(part["orders"].mean())),
                "found": found,
                "found_low": round(float(interval.low), 3),
                "found_high": round(float(interval.high), 3),
                **{
                    name: int(part[name].sum())
                    for name in ("right", "within")
                    if name in part and part[name].notna().any()
                },
            }
        )
    return result


def main() -> None:
    """Look at all shops, as many at a time as there are cores; print and write what was found."""
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        rows = pd.DataFrame([row for found in processes.map(look, list(shops())) for row in found])
    found = table(rows)
    sys.stdout.write(pd.DataFrame(found, dtype=object).fillna("").to_string(index=False) + "\n")
    path = REPO_DIR / ".run" / "bench-effects.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n")
    sys.stdout.write(f"written to {path.relative_to(REPO_DIR)}\n")


if __name__ == "__main__":
    main()
