"""`make bench-models [ARGS="cdnow …"]`: train on past mornings of each data set, print the numbers, write them down."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from typing import Any

import pandas as pd

from bench.measure import Machine, settings_of_its_own
from bench.models.judge import IDENTITY, auc_within_cutoffs, judge, shortfalls
from bench.models.nights import land, load, morning
from bench.models.shops import SHOPS, Shop
from customer_behavior.evaluation.evaluation import MODEL
from customer_behavior.evaluation.metrics import auc
from customer_behavior.paths import REPO_DIR
from customer_behavior.settings import load_targets

WRITTEN = REPO_DIR / ".run" / "bench-models.json"
ROWS = REPO_DIR / ".run" / "bench-models"


def main() -> None:
    """Judge the data sets that were named, all by default; those that were not keep what the file has of them."""
    parser = argparse.ArgumentParser(prog="make bench-models", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SHOPS)}; all by default")
    asked = parser.parse_args().names or list(SHOPS)
    unknown = sorted(set(asked) - set(SHOPS))
    if unknown:
        sys.exit(f"there is no data set {', '.join(unknown)}; there are {', '.join(SHOPS)}")
    logging.basicConfig(level=logging.WARNING, format="  %(message)s")
    with Machine() as machine:
        for name in asked:
            with settings_of_its_own():
                _write(figures_of(machine, SHOPS[name]))
    _say(f"written to {WRITTEN.relative_to(REPO_DIR)}")


def figures_of(machine: Machine, shop: Shop) -> dict[str, Any]:
    """Train and judge on each morning of a data set; print and return its numbers."""
    began = time.perf_counter()
    _say(f"{shop.name}, {shop.key}: loading …")
    mornings = []
    folder = land(machine, shop)
    for first_batch, days in shop.loads():
        warehouse = load(machine, shop, folder, first_batch)
        for day in days:
            mornings.append(morning(warehouse, shop, day))
            _say(f"  {day}: {_line(mornings[-1])}")
        machine.drop(warehouse)
    judged = pd.concat(mornings, ignore_index=True)
    # A shop too young for a contender has the served fallback in its place.
    for name in judged.columns.difference(list(IDENTITY)):
        judged[name] = judged[name].fillna(judged[MODEL])
    ROWS.mkdir(parents=True, exist_ok=True)
    judged.to_parquet(ROWS / f"{shop.name}-judged.parquet")
    named = {
        "dataset": shop.name,
        "target": shop.key.target,
        "horizon_days": shop.key.horizon_days,
        "history_days": shop.history_days,
        "cutoffs": [str(day) for day in shop.cutoffs],
    }
    figures = named | judge(judged, load_targets().training.seed)
    _say(json.dumps(figures, indent=2))
    _say(f"  auc within cutoffs, their mean: {auc_within_cutoffs(judged, MODEL):.4f}")
    for sentence in shortfalls(figures, control=shop.control, surely_better=shop.surely_better):
        _say(f"  short of its limit: {sentence}")
    _say(f"  {time.perf_counter() - began:.0f} s")
    return figures


def _line(rows: pd.DataFrame) -> str:
    label = rows["label"].to_numpy()
    said = rows[MODEL].to_numpy()
    return f"{len(rows)} rows, base rate {label.mean():.4f}, predicted {said.mean():.4f}, auc {auc(label, said):.4f}"


def _write(figures: dict[str, Any]) -> None:
    WRITTEN.parent.mkdir(exist_ok=True)
    before = json.loads(WRITTEN.read_text()) if WRITTEN.exists() else []
    others = [row for row in before if row["dataset"] != figures["dataset"]]
    rows = sorted([*others, figures], key=lambda row: list(SHOPS).index(row["dataset"]))
    WRITTEN.write_text(json.dumps(rows, indent=2) + "\n")


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
