from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from customer_behavior.evaluation.metrics import brier, calibration_error
from customer_behavior.models.calibration import (
    Isotonic,
    LogLine,
    Platt,
    fit_calibrator,
    fit_isotonic,
    fit_log_line,
    fit_platt,
    out_of_fold,
)


def test_it_finds_the_distortion_that_was_put_in():
    random = np.random.default_rng(0)
    margin = random.normal(0, 2, 200_000)
    label = (random.random(len(margin)) < expit(0.5 * margin - 1)).astype(float)
    platt = fit_platt(margin, label)
    assert platt.slope == pytest.approx(0.5, abs=0.02)
    assert platt.intercept == pytest.approx(-1, abs=0.02)
    assert calibration_error(label, expit(margin)) > 0.1
    assert calibration_error(label, platt.predict(margin)) < 0.01


def test_it_is_the_unpenalised_logistic_regression_when_rows_are_many():
    random = np.random.default_rng(1)
    margin = random.normal(3, 50, 50_000)
    label = (random.random(len(margin)) < expit(margin / 40)).astype(int)
    peer = LogisticRegression(C=1e12, max_iter=1000).fit(margin[:, None], label)
    platt = fit_platt(margin, label)
    assert platt.slope == pytest.approx(peer.coef_[0, 0], rel=1e-2)
    assert platt.predict(margin) == pytest.approx(peer.predict_proba(margin[:, None])[:, 1], abs=1e-3)


@pytest.mark.parametrize("label", [np.zeros(40), np.ones(40), (np.arange(40) >= 20).astype(float)])
def test_one_class_or_perfectly_split_rows_stay_away_from_certainty(label):
    probability = fit_platt(np.arange(40.0), label).predict(np.arange(40.0))
    assert np.isfinite(probability).all()
    assert probability.min() > 0.001
    assert probability.max() < 0.999


def test_rows_with_one_and_the_same_margin_get_the_smoothed_rate():
    platt = fit_platt(np.full(10, 0.3), np.r_[np.ones(2), np.zeros(8)])
    # 2 rows aimed at 3/4 and 8 rows at 1/10.
    assert platt.predict(np.array([0.3]))[0] == pytest.approx((2 * 0.75 + 8 * 0.1) / 10, abs=1e-4)


def test_classes_sampled_at_different_rates_keep_the_mean_of_the_rows_they_stand_for():
    random = np.random.default_rng(2)
    margin = random.normal(-5, 2, 300_000)
    label = (random.random(len(margin)) < expit(margin)).astype(float)
    few = random.choice(np.flatnonzero(label == 0), 3000, replace=False)
    kept = np.r_[np.flatnonzero(label == 1)[:1000], few]
    weight = np.where(label[kept] == 1, label.sum() / 1000, (1 - label).sum() / 3000)
    platt = fit_platt(margin[kept], label[kept], weight)
    assert np.average(platt.predict(margin[kept]), weights=weight) == pytest.approx(label.mean(), rel=1e-4)
    assert platt.predict(margin).mean() == pytest.approx(label.mean(), rel=0.1)
    assert fit_platt(margin[kept], label[kept]).predict(margin).mean() > 2 * label.mean()


def drawn(rows: int, probability, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Margins, labels that come true with `probability(margin)`, and customers with four rows each."""
    random = np.random.default_rng(seed)
    margin = random.normal(0, 2, rows)
    label = (random.random(rows) < probability(margin)).astype(float)
    return margin, label, np.arange(rows) // 4


def steps(margin: np.ndarray) -> np.ndarray:
    """A truth that no line of log-odds follows."""
    return np.where(margin > 1, 0.5, np.where(margin > -1, 0.2, 0.15))


def test_steps_are_taken_where_they_are_surely_nearer_to_the_outcome():
    margin, label, customers = drawn(40_000, steps)
    chosen = fit_calibrator("probability", margin, label, customers)
    assert isinstance(chosen, Isotonic)
    later, outcome, _ = drawn(40_000, steps, seed=4)
    assert brier(outcome, chosen.predict(later)) < brier(outcome, fit_platt(margin, label).predict(later))
    assert chosen.slope == pytest.approx(fit_platt(margin, label).slope)
    assert np.all(np.diff(chosen.predict(np.linspace(-10, 10, 500))) >= 0)


@pytest.mark.parametrize(("rows", "probability"), [(3_000, steps), (40_000, lambda margin: expit(0.7 * margin - 1))])
def test_a_line_is_taken_where_rows_are_few_or_it_fits(rows, probability):
    margin, label, customers = drawn(rows, probability)
    assert isinstance(fit_calibrator("probability", margin, label, customers), Platt)


def test_margins_that_rank_the_wrong_way_get_no_steps():
    margin, label, customers = drawn(40_000, steps)
    chosen = fit_calibrator("probability", -margin, label, customers)
    assert isinstance(chosen, Platt)
    assert chosen.slope < 0


def test_steps_are_never_quite_certain():
    margin = np.arange(100.0)
    probability = fit_isotonic(margin, (margin >= 50).astype(float)).predict(np.array([-1e9, 1e9]))
    assert probability.tolist() == [0.005, 0.995]


def test_a_held_out_prediction_comes_of_other_customers_alone():
    customers = np.repeat(np.arange(50), 3)
    shown = []

    class Memory:
        slope = 1.0

        def __init__(self, margin: np.ndarray, label: np.ndarray, weight: np.ndarray | None) -> None:
            self.known = set(margin)
            shown.append(len(margin))
            assert weight is not None
            assert len(weight) == len(label) == len(margin)

        def predict(self, margin: np.ndarray) -> np.ndarray:
            return np.array([float(one in self.known) for one in margin])

        def contributions(self, margin: np.ndarray, shares: np.ndarray) -> np.ndarray:
            raise NotImplementedError

        def moved(self, by: float) -> Any:
            raise NotImplementedError

        def content(self) -> dict[str, Any]:
            return {}

    remembered = out_of_fold(Memory, customers.astype(float), np.zeros(150), customers, np.ones(150))
    assert remembered.tolist() == [0] * 150
    assert shown == [120] * 5


def test_amounts_get_the_line_of_logarithms_they_were_made_by():
    random = np.random.default_rng(5)
    margin = random.normal(2, 1, 100_000)
    amount = np.exp(0.6 * margin + 1) * random.gamma(0.5, 2, len(margin))
    line = fit_calibrator("amount", margin, amount, np.arange(len(margin)))
    assert isinstance(line, LogLine)
    assert (line.slope, line.intercept) == (pytest.approx(0.6, abs=0.02), pytest.approx(1, abs=0.04))
    assert line.predict(margin).mean() == pytest.approx(amount.mean(), rel=0.02)


def test_amounts_that_are_all_nothing_or_that_no_margin_tells_apart():
    assert fit_log_line(np.arange(9.0), np.zeros(9)).predict(np.arange(9.0)) == pytest.approx(1e-9)
    assert fit_log_line(np.full(4, 2.0), np.array([0.0, 0, 10, 30])).predict(np.full(1, 2.0)) == pytest.approx(10)
    weighted = fit_log_line(np.full(2, 2.0), np.array([0.0, 10]), np.array([9.0, 1]))
    assert weighted.predict(np.full(1, 2.0)) == pytest.approx(1)
