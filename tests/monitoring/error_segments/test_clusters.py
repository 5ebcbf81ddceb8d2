"""Segments the model gets wrong: a planted one is found, where there is none nothing is confirmed."""

import numpy as np
import pandas as pd
import pytest

from customer_behavior.monitoring.error_segments.search import deviation, find_clusters, first_half, two_sided_p
from customer_behavior.monitoring.error_segments.segment_rules import matches
from customer_behavior.settings import ErrorLimits, Feature

CATALOGUE = {
    name: Feature(meaning=f"The {name}", unit="units", phrase="{value}") for name in ("orders", "gap", "noise", "rare")
}
LIMITS = ErrorLimits(max_depth=3, min_share=0.03, max_clusters=5)


def shop(n=6000, seed=0, wrong=0.0, missing_wrong=0.0):
    """Probabilities that are right, but `wrong` too high for those with more than 7 orders, or for those without a gap."""
    random = np.random.default_rng(seed)
    gap = random.gamma(2, 5, n)
    gap[random.random(n) < 0.2] = np.nan
    features = pd.DataFrame(
        {
            "orders": random.integers(0, 10, n),
            "gap": gap,
            "noise": random.normal(size=n),
            "rare": random.random(n) < 0.01,
        }
    ).astype(float)
    probability = random.uniform(0.3, 0.7, n)
    truth = probability - wrong * (features["orders"] > 7) - missing_wrong * features["gap"].isna()
    label = (random.random(n) < truth).astype(float)
    return features, [f"c{number}" for number in range(n)], probability, label.to_numpy()


def find(features, customers, probability, label, limits=LIMITS):
    return find_clusters(features, customers, probability, label, CATALOGUE, limits, 0.05, seed=7)


def test_a_planted_segment_is_found_confirmed_and_first():
    features, customers, probability, label = shop(wrong=0.25)
    found = find(features, customers, probability, label)
    worst = found[0]
    inside = matches(features, worst.rule)
    truth = (features["orders"] > 7).to_numpy()
    assert worst.confirmed
    assert worst.p_value < 1e-6
    assert worst.description == "the orders above 7.5"
    assert (inside == truth).all()
    assert worst.mean_predicted - worst.realised == pytest.approx(0.25, abs=0.06)
    assert [cluster.confirmed for cluster in found[1:]] == [False] * len(found[1:])


def test_the_numbers_are_those_of_everybody_in_it():
    features, customers, probability, label = shop(wrong=0.25)
    for cluster in find(features, customers, probability, label):
        inside = matches(features, cluster.rule)
        assert cluster.n == inside.sum()
        assert cluster.share == pytest.approx(inside.mean())
        assert cluster.mean_predicted == pytest.approx(probability[inside].mean())
        assert cluster.realised == pytest.approx(label[inside].mean())
        loss = -np.log(np.where(label == 1, probability, 1 - probability))
        assert cluster.log_loss == pytest.approx(loss[inside].mean())
        assert cluster.log_loss_rest == pytest.approx(loss[~inside].mean())


def test_missing_values_can_be_the_segment():
    features, customers, probability, label = shop(missing_wrong=0.25)
    worst = find(features, customers, probability, label)[0]
    assert worst.confirmed
    assert (matches(features, worst.rule) == features["gap"].isna()).mean() > 0.99


def test_where_nothing_is_wrong_nothing_is_confirmed():
    confirmed = [cluster for seed in range(20) for cluster in find(*shop(seed=seed)) if cluster.confirmed]
    assert confirmed == []


def test_a_gap_too_small_to_matter_is_not_confirmed_however_sure():
    features, customers, probability, label = shop(n=60000, wrong=0.04)
    worst = min(find(features, customers, probability, label), key=lambda cluster: cluster.p_value)
    assert worst.p_value < 0.001
    assert not worst.confirmed


def test_what_one_half_shows_alone_is_not_confirmed():
    features, customers, probability, label = shop(n=6000)
    label = label.copy()
    finding = first_half(customers, seed=7)
    assert 0.47 < finding.mean() < 0.53
    label[finding & (features["orders"] > 7)] = 0.0
    found = find(features, customers, probability, label)
    assert found[0].description == "the orders above 7.5"
    assert not any(cluster.confirmed for cluster in found)


def test_the_order_of_the_rows_changes_nothing():
    features, customers, probability, label = shop(n=3000, wrong=0.25)
    order = np.random.default_rng(3).permutation(3000)
    shuffled = find(features.iloc[order], [customers[n] for n in order], probability[order], label[order])
    there = find(features, customers, probability, label)
    assert [(c.rule, c.n, c.confirmed) for c in shuffled] == [(c.rule, c.n, c.confirmed) for c in there]


def test_too_few_customers_are_no_segment():
    assert find(*shop(n=50, wrong=0.25)) == []


def test_the_p_value_by_hand():
    # 100 customers at one half: 60 came true, the sum is 2 standard deviations (5) above 50.
    label = np.r_[np.ones(60), np.zeros(40)]
    assert deviation(label, np.full(100, 0.5)) == pytest.approx(2.0)
    assert two_sided_p(2.0) == two_sided_p(-2.0) == pytest.approx(0.0455, abs=1e-4)
    assert deviation(np.ones(3), np.ones(3)) == 0.0
    assert two_sided_p(deviation(np.zeros(3), np.ones(3))) == 0.0
