import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from customer_behavior.training.calibration import fit_platt
from customer_behavior.training.metrics import calibration_error


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
