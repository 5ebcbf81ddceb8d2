"""The band of a calibrated model holds it about 95 times in 100, however its rows were drawn."""

import numpy as np
import pytest

from customer_behavior.evaluation.calibration_chance import calibration_error_if_exact
from customer_behavior.evaluation.metrics import calibration_error

SHOPS = 120
DRAWS = 100


def _over(make) -> float:
    """Return the share of made-up shops whose exact probabilities are over their band."""
    over = 0
    for seed in range(SHOPS):
        label, chance, groups, weight = make(np.random.default_rng(seed))
        band = calibration_error_if_exact(label, chance, groups, DRAWS, seed, weight)
        over += calibration_error(label, chance, weight) > band
    return over / SHOPS


def _one_row_each(random):
    chance = random.beta(1, 6, 1_500)
    return (random.random(1_500) < chance).astype(int), chance, np.arange(1_500), None


def _visits(random):
    """Three moments of a visit, each with a chance of its own, and one outcome."""
    chance = np.repeat(random.beta(1, 6, 500), 3)
    came = np.repeat(random.random(500), 3) < chance
    return came.astype(int), chance, np.repeat(np.arange(500), 3), None


def _half_alike(random):
    """Six mornings of a customer whose outcomes share a half of what chance is made of."""
    chance = np.repeat(random.beta(2, 4, 250), 6)
    own, shared = random.random(1_500), np.repeat(random.random(250), 6)
    came = np.where(random.random(1_500) < np.sqrt(0.5), shared, own) < chance
    return came.astype(int), chance, np.repeat(np.arange(250), 6), None


def _sampled(random):
    """Few of the many who do not buy, and all who do."""
    chance = random.beta(1, 40, 20_000)
    label = random.random(20_000) < chance
    kept = np.r_[np.flatnonzero(label), random.choice(np.flatnonzero(~label), 1_500, replace=False)]
    weight = np.where(label[kept], 1.0, (~label).sum() / 1_500)
    return label[kept].astype(int), chance[kept], kept, weight


@pytest.mark.parametrize("make", [_one_row_each, _visits, _half_alike, _sampled])
def test_a_calibrated_model_is_over_its_band_about_one_time_in_twenty(make):
    assert 0.005 < _over(make) < 0.125


@pytest.mark.parametrize("make", [_one_row_each, _visits, _sampled])
def test_probabilities_a_half_too_high_are_over_it(make):
    label, chance, groups, weight = make(np.random.default_rng(1))
    band = calibration_error_if_exact(label, chance * 1.5, groups, DRAWS, 1, weight)
    assert calibration_error(label, chance * 1.5, weight) > band
