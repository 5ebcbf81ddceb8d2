"""The core on frames, without a database."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from customer_behavior.settings import Contact, Gate, MaxRows, TargetKey, Training, Tuning
from customer_behavior.targets.cutoffs import Cutoffs
from customer_behavior.targets.dataset import Dataset
from customer_behavior.targets.outcome import OUTCOMES
from customer_behavior.training.contenders import Recipe, fit_contenders
from customer_behavior.training.core import train
from customer_behavior.training.folds import Fold
from customer_behavior.training.question import Question

FEATURES = ("purchase_days_90d", "mood", "noise")
KEY = TargetKey(target="purchase", horizon_days=7)
CUTOFFS = Cutoffs(fit=(date(2024, 1, 1),), calibration=(date(2024, 1, 8),), test=(date(2024, 1, 15),))
SETTINGS = Training(
    seed=1,
    step_days=7,
    fit_snapshots=1,
    calibration_snapshots=1,
    test_snapshots=1,
    tune_snapshots=1,
    max_rows=MaxRows(fit=400_000, tune=100_000, calibration=200_000, test=200_000),
    minimum_rows=500,
    minimum_positives=50,
    bootstrap_samples=50,
    tuning=Tuning(
        trials=3,
        timeout_seconds=600,
        max_rows=100_000,
        max_trees=200,
        early_stopping_trees=20,
        every_days=7,
    ),
    gate=Gate(max_loss=0.002, minimum_segment_rows=200),
    contact=Contact(cost=0.5, sale_value=10),
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


def run(fit: pd.DataFrame, calibration: pd.DataFrame, test: pd.DataFrame, *, features=FEATURES, cutoffs=CUTOFFS):
    none = fit.iloc[:0]
    calibration, test = (
        part.assign(as_of_date=day) for part, day in ((calibration, date(2024, 1, 8)), (test, date(2024, 1, 15)))
    )
    data = Dataset(
        fit=fit, gap=none, tune=none, calibration_gap=none, calibration=calibration, test_gap=none, test=test
    )
    return train(data, cutoffs, Question(KEY, tuple(features)), date(2024, 1, 22), SETTINGS)


def numbers(trained) -> dict[str, dict]:
    return {row["contender"]: row for row in trained.evaluations}


def test_it_finds_what_a_straight_line_cannot_and_says_how_surely():
    found = numbers(run(rows(6000, 1), rows(3000, 2), rows(3000, 3)))
    assert set(found) == {
        "model", "xgboost", "blend", "logistic_regression", "frequency", "rfm", "xgboost_defaults", "base_rate"
    }  # fmt: skip
    assert [name for name, row in found.items() if row["served"]] == ["model", "xgboost"]
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
    raw = expit(trained.judged.margin(trained.data.test))
    label = trained.data.test["label"]
    assert raw.mean() < label.mean() - 0.05
    assert trained.judged.predict(trained.data.test).mean() == pytest.approx(label.mean(), abs=0.02)
    assert model["ece"] < 0.03


def test_where_nothing_is_known_nothing_is_found():
    honest = run(*[rows(3000, seed, signal=0) for seed in (1, 2, 3)])
    assert numbers(honest)["model"]["auc"] == pytest.approx(0.5, abs=0.04)


def test_a_column_that_knows_the_outcome_is_left_out_and_said():
    parts = [rows(3000, seed) for seed in (1, 2, 3)]
    leaking = run(*(part.assign(noise=part["label"].astype("float32")) for part in parts))
    assert leaking.model.features == ("purchase_days_90d", "mood")
    assert [finding.details["column"] for finding in leaking.findings if finding.severity == "blocking"] == ["noise"]
    assert numbers(leaking)["model"]["auc"] == numbers(run(*parts, features=FEATURES[:2]))["model"]["auc"]


def test_a_signal_that_turns_round_is_served_by_a_fallback():
    trained = run(rows(3000, 1), rows(3000, 2, signal=-1), rows(3000, 3, signal=-1))
    assert (trained.model.kind, trained.contender) == ("rfm", "rfm")
    assert "no better than chance" in trained.model.card["why"]


@pytest.mark.parametrize(
    ("fit", "says"),
    [
        (rows(100, 1), "100 rows to fit"),
        (rows(2000, 1, shift=-6), "of the rarer outcome"),
        (rows(2000, 1, shift=9), "of the rarer outcome"),
        (rows(2000, 1).assign(label=0), "0 rows of the rarer outcome"),
    ],
)
def test_too_little_to_fit_serves_classes_of_frequency_and_says_so(fit, says):
    few = [rows(100, seed).assign(label=fit["label"].iloc[0]) for seed in (2, 3)]
    trained = run(fit, *few)
    assert trained.model.kind == "rfm"
    assert trained.model.card["confidence"] == "low"
    assert says in trained.model.card["why"]
    assert trained.contenders == {}
    for model, seen in ((trained.judged, trained.data.before_test), (trained.model, trained.data.every)):
        level = (seen["label"].sum() + 1) / (len(seen) + 2)
        assert model.predict(seen).mean() == pytest.approx(level, abs=0.01)


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
    assert (gains["n"] * gains["realised"]).sum() == pytest.approx(trained.data.test["label"].sum())
    assert gains["mean_predicted"].is_monotonic_decreasing
    assert gains["lift"].iloc[0] > 1.3


def test_an_empty_column_is_no_obstacle():
    parts = [rows(2000, seed).assign(noise=np.float32("nan")) for seed in (1, 2, 3)]
    assert numbers(run(*parts))["model"]["auc"] > 0.7


def sampled(whole: pd.DataFrame, positives: int, negatives: int) -> pd.DataFrame:
    """So many rows of each label, with the weight that makes up for the others."""
    parts = [
        part.head(kept).assign(weight=len(part) / kept)
        for part, kept in ((whole[whole["label"] == 1], positives), (whole[whole["label"] == 0], negatives))
    ]
    return pd.concat(parts, ignore_index=True)


def test_a_sampled_shop_gets_the_probabilities_and_numbers_of_the_whole_one():
    parts = [rows(60_000, seed, shift=-3) for seed in (1, 2, 3)]
    base = parts[2]["label"].mean()
    assert 0.03 < base < 0.15
    small = [sampled(part, 1500, 3000) for part in parts]
    few, many = run(*small), run(*parts)
    assert few.model.predict(parts[2]).mean() == pytest.approx(base, rel=0.05)
    assert expit(few.model.margin(parts[2])).mean() == pytest.approx(
        base, rel=0.1
    )  # the trees, before they are calibrated
    assert few.model.card["sampled_from"]["test"] == {"rows": 60_000, "positives": parts[2]["label"].sum()}
    seen, meant = numbers(few), numbers(many)
    for contender in meant:
        assert seen[contender]["base_rate"] == pytest.approx(base)
        assert seen[contender]["auc"] == pytest.approx(meant[contender]["auc"], abs=0.025)
        assert seen[contender]["log_loss"] == pytest.approx(meant[contender]["log_loss"], rel=0.03)
        assert seen[contender]["brier"] == pytest.approx(meant[contender]["brier"], rel=0.03)
        assert seen[contender]["ece"] < 0.015
    assert few.gains["realised"].to_numpy() == pytest.approx(many.gains["realised"].to_numpy(), abs=0.05)


def test_penalties_count_the_rows_that_were_read_however_many_they_stand_for():
    parts = [sampled(rows(20_000, seed, shift=-3), 500, 1000) for seed in (1, 2, 3)]
    heavier = run(*(part.assign(weight=part["weight"] * 8) for part in parts))
    assert heavier.model.booster.save_raw() == run(*parts).model.booster.save_raw()


def contenders(learn: pd.DataFrame, calibration: pd.DataFrame, features: tuple[str, ...]):
    """Every contender of these rows, by name."""
    recipe = Recipe(features, OUTCOMES["probability"], SETTINGS.xgboost, seed=1, threads=2)
    found = fit_contenders(recipe, [Fold(learn, calibration)], learn)
    return {name: contender.model for name, contender in found.items()}


def test_each_baseline_predicts_the_mean_of_the_whole_shop():
    parts = [rows(40_000, seed, shift=-3) for seed in (1, 2)]
    learn, calibration = (sampled(part, 1000, 1500) for part in parts)
    found = contenders(learn, calibration, FEATURES)
    for name, model in found.items():
        assert model.predict(parts[1]).mean() == pytest.approx(parts[1]["label"].mean(), rel=0.06), name


def test_the_logistic_regression_is_fitted_to_the_rows_that_are_stood_for():
    # Counted as they are, the rows of either mood are half and half.
    fit = pd.DataFrame({"mood": [0.0, 0.0, 1.0, 1.0] * 500, "label": [0, 1, 0, 1] * 500})
    fit["weight"] = [1.0, 9.0, 9.0, 1.0] * 500
    fit["customer_id"] = [f"c{n}" for n in range(len(fit))]
    line = contenders(fit, fit, ("mood",))["logistic_regression"]
    assert line.predict(pd.DataFrame({"mood": [0.0, 1.0]})) == pytest.approx([0.9, 0.1], abs=0.01)


def test_the_base_rate_is_that_of_the_rows_that_are_stood_for():
    fit = rows(400, 1, shift=-2)
    few = sampled(fit, 20, 100)
    calibration, test = rows(150, 2), rows(150, 3)
    trained = run(few, calibration, test)
    expected = (fit["label"].sum() + calibration["label"].sum() + test["label"].sum() + 1) / (400 + 150 + 150 + 2)
    assert trained.model.kind == "rfm"
    assert trained.model.values[0] == (pytest.approx(expected),)  # that of everyone, before customers are told apart
