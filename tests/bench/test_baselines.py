"""The baselines of the benchmark of models do what their papers say."""

import numpy as np
import pytest

from bench.models.baselines import BgNbd, fit_bg_nbd

TRUE = BgNbd(r=0.8, alpha=30.0, a=0.7, b=2.5)


def _shop(customers: int, known: float, ahead: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return repeats, recency, age and whether they buy in the days ahead, of customers who live by `TRUE`."""
    random = np.random.default_rng(3)
    rows = []
    for _ in range(customers):
        rate, leaves = random.gamma(TRUE.r, 1 / TRUE.alpha), random.beta(TRUE.a, TRUE.b)
        age = random.uniform(known / 3, known)
        day, days = 0.0, []
        while day < age + ahead:
            day += random.exponential(1 / rate)
            days.append(day)
            if random.random() < leaves:
                break
        past = [one for one in days if one < age]
        rows.append((len(past), past[-1] if past else 0.0, age, any(age <= one < age + ahead for one in days)))
    repeats, recency, age, bought = np.array(rows, dtype=float).T
    return repeats, recency, age, bought


def test_bg_nbd_finds_the_customers_it_was_made_by():
    repeats, recency, age, bought = _shop(6_000, 365.0, 30.0)
    found = fit_bg_nbd(repeats, recency, age)
    assert (found.r, found.alpha) == pytest.approx((TRUE.r, TRUE.alpha), rel=0.12)
    assert found.a / (found.a + found.b) == pytest.approx(TRUE.a / (TRUE.a + TRUE.b), rel=0.12)
    said = found.buys_within(repeats, recency, age, 30.0)
    assert said.mean() == pytest.approx(bought.mean(), abs=0.012)
    for part in np.array_split(np.argsort(said), 4):
        assert said[part].mean() == pytest.approx(bought[part].mean(), abs=0.03)


def test_a_long_silence_counts_more_against_a_frequent_customer():
    often, seldom = TRUE.buys_within(np.array([20.0, 2.0]), np.array([100.0, 100.0]), np.array([300.0, 300.0]), 30)
    assert often < seldom
    soon, late = TRUE.buys_within(np.array([5.0, 5.0]), np.array([290.0, 100.0]), np.array([300.0, 300.0]), 30)
    assert soon > late
