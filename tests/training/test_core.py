"""The core on frames, without a database."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from customer_behavior.settings import TargetKey, Training
from customer_behavior.training.core import train
from customer_behavior.training.cutoffs import Cutoffs
from customer_behavior.training.dataset import Dataset

FEATURES = ("purchase_days_90d", "mood", "noise")
KEY = TargetKey(target="purchase", horizon_days=7)
CUTOFFS = Cutoffs(fit=(date(2024, 1, 1),), calibration=(date(2024, 1, 8),), report=(date(2024, 1, 15),))
SETTINGS = Training(
    seed=1,
    step_days=7,
    fit_snapshots=1,
    calibration_snapshots=1,
    report_snapshots=1,
    max_rows={"fit": 400_000, "calibration": 200_000, "report": 200_000},
    minimum_rows=500,
    minimum_positives=50,
    bootstrap_samples=50,
    max_log_loss_loss=0.002,
    xgboost={"n_estimators": 100, "max_depth": 3, "learning_rate": 0.1, "min_child_weight": 10},
)


def rows(count: int, seed: int, signal: float = 1.0, shift: float = 0.0) -> pd.DataFrame:
    """Outcomes that depend on how often and, where the mood is far from zero on either side, on the mood."""
    random = np.random.default_rng(seed)
    often, mood, noise = random.poisson(3, count), random.normal(size=count), random.normal(size=count)
    odds = signal * (0.4 * often + 1.5 * np.abs(mood) - 2.4) + shift
    return pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(count)],
            "as_of_date": date(2024, 1, 1),
            "purchase_days_90d": often.astype("float32"),
            "mood": mood.astype("float32"),
            "noise": noise.astype("float32"),
            "label": (random.random(count) < expit(odds)).astype("int8"),
            "weight": 1.0,
        }
    )


def run(fit: pd.DataFrame, calibration: pd.DataFrame, report: pd.DataFrame, features=FEATURES, cutoffs=CUTOFFS):
    return train(Dataset(fit, calibration, report), cutoffs, KEY, date(2024, 1, 22), features, SETTINGS)


def numbers(trained) -> dict[str, dict]:
    return {row["contender"]: row for row in trained.evaluations}


def test_it_finds_what_a_straight_line_cannot_and_says_how_surely():
    found = numbers(run(rows(6000, 1), rows(3000, 2), rows(3000, 3)))
    assert set(found) == {"model", "logistic_regression", "frequency", "base_rate"}
    model, line = found["model"], found["logistic_regression"]
    assert model["auc_low"] < model["auc"] < model["auc_high"]
    assert model["auc_gain_low"] is None
    assert 0.03 < line["auc_gain_low"] < model["auc"] - line["auc"]
    assert found["frequency"]["auc"] == pytest.approx(0.67, abs=0.04)
    assert found["base_rate"]["auc"] == 0.5
    assert model["log_loss"] < line["log_loss"] < found["base_rate"]["log_loss"]


def test_probabilities_follow_the_later_days_they_are_calibrated_on():
    # The shop has got busier since the days of the fit.
    trained = run(rows(6000, 1), rows(4000, 2, shift=1), rows(6000, 3, shift=1))
    model = numbers(trained)["model"]
    raw = expit(trained.model.margin(trained.data.report))
    label = trained.data.report["label"]
    assert raw.mean() < label.mean() - 0.1
    assert trained.model.predict(trained.data.report).mean() == pytest.approx(label.mean(), abs=0.02)
    assert model["ece"] < 0.03


def test_where_nothing_is_known_nothing_is_found_and_a_leak_would_show():
    parts = [rows(3000, seed, signal=0) for seed in (1, 2, 3)]
    honest = run(*parts)
    if honest.model.kind == "xgboost":
        assert numbers(honest)["model"]["auc"] == pytest.approx(0.5, abs=0.04)
    leaking = [part.assign(noise=part["label"].astype("float32")) for part in parts]
    assert numbers(run(*leaking))["model"]["auc"] > 0.99


def test_a_signal_that_turns_round_is_served_by_the_base_rate():
    trained = run(rows(3000, 1), rows(3000, 2, signal=-1), rows(3000, 3, signal=-1))
    assert trained.model.kind == "base_rate"
    assert "no better than chance" in trained.model.recipe["why"]


@pytest.mark.parametrize(
    ("fit", "says"),
    [
        (rows(499, 1), "499 rows to fit"),
        (rows(2000, 1, shift=-6), "of the rarer outcome"),
        (rows(2000, 1, shift=9), "of the rarer outcome"),
        (rows(2000, 1).assign(label=0), "0 rows of the rarer outcome"),
    ],
)
def test_too_little_to_fit_serves_the_base_rate_and_says_so(fit, says):
    trained = run(fit, rows(300, 2), rows(300, 3))
    assert trained.model.kind == "base_rate"
    assert trained.model.recipe["confidence"] == "low"
    assert says in trained.model.recipe["why"]
    assert numbers(trained)["model"]["auc"] == 0.5
    labels = pd.concat([fit["label"], trained.data.calibration["label"]])
    assert trained.model.predict(trained.data.report)[0] == pytest.approx((labels.sum() + 1) / (len(labels) + 2))


def test_without_a_single_label_the_base_rate_is_even_odds_and_there_is_no_report():
    nothing = rows(0, 1)
    trained = run(nothing, nothing, nothing, cutoffs=Cutoffs())
    assert trained.model.predict(rows(2, 1)).tolist() == [0.5, 0.5]
    assert trained.evaluations == []
    assert len(trained.gains) == 0


def test_the_gain_table_adds_up():
    trained = run(rows(6000, 1), rows(3000, 2), rows(3005, 3))
    gains = trained.gains
    assert gains["decile"].tolist() == list(range(1, 11))
    assert gains["n"].sum() == 3005
    assert gains["cumulative_gain"].iloc[-1] == pytest.approx(1)
    assert (gains["n"] * gains["realised"]).sum() == pytest.approx(trained.data.report["label"].sum())
    assert gains["mean_predicted"].is_monotonic_decreasing
    assert gains["lift"].iloc[0] > 1.3


def test_an_empty_column_is_no_obstacle():
    parts = [rows(2000, seed).assign(noise=np.float32("nan")) for seed in (1, 2, 3)]
    assert numbers(run(*parts))["model"]["auc"] > 0.7
