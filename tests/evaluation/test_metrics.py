import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from customer_behavior.evaluation import metrics
from customer_behavior.evaluation.evaluation import evaluate, gain_table
from customer_behavior.targets.outcome import OUTCOMES

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6), st.integers(0, 3)), min_size=2, max_size=60)


@given(ROWS)
def test_the_area_is_scikit_learns_with_ties_and_weights(rows):
    label, score, weight = np.array(rows, dtype=float).T
    present = {value for value, count in zip(label, weight, strict=True) if count}
    found = metrics.Ranking(label, score).auc(weight)
    if len(present) < 2:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(roc_auc_score(label, score, sample_weight=weight))


def test_losses_are_scikit_learns():
    random = np.random.default_rng(0)
    probability = random.random(500)
    label = (random.random(500) < probability).astype(float)
    assert metrics.log_loss(label, probability) == pytest.approx(sklearn_log_loss(label, probability))
    assert metrics.brier(label, probability) == pytest.approx(brier_score_loss(label, probability))


def test_certainty_that_was_wrong_costs_much_and_not_infinity():
    assert 30 < metrics.log_loss(np.array([1.0]), np.array([0.0])) < 40


def test_calibration_error_by_hand():
    probability = np.repeat([0.1, 0.9], 50)
    label = np.r_[np.ones(15), np.zeros(35), np.ones(45), np.zeros(5)]  # 0.3 and 0.9 came true
    assert metrics.calibration_error(label, probability) == pytest.approx(0.1)


def test_one_probability_for_all_is_one_bin():
    label = np.r_[np.ones(20), np.zeros(80)]
    assert metrics.calibration_error(label, np.full(100, 0.2)) == pytest.approx(0)


def test_lift_by_hand_and_one_when_all_are_alike():
    label = np.r_[np.ones(10), np.zeros(40), np.ones(10), np.zeros(40)]
    assert metrics.lift_at_tenth(label, np.arange(100, 0, -1) / 100) == pytest.approx(5)
    assert metrics.lift_at_tenth(label, np.full(100, 0.2)) == pytest.approx(1)


def test_contenders_are_drawn_on_the_same_customers_and_a_customers_rows_stay_together():
    random = np.random.default_rng(0)
    label = (random.random(400) < 0.4).astype(float)
    score = label + random.normal(0, 1, 400)
    customers = np.repeat([f"c{n}" for n in range(40)], 10)
    drawn = metrics.bootstrap_aucs(label, {"a": score, "b": score * 2 + 1}, customers, 20, seed=3)
    assert drawn["a"] == pytest.approx(drawn["b"])
    assert drawn["a"].std() > 0
    alone = metrics.bootstrap_aucs(label[:10], {"a": score[:10]}, customers[:10], 5, seed=3)
    assert alone["a"] == pytest.approx(metrics.auc(label[:10], score[:10]))


@given(st.integers(0, 10_000))
def test_a_weight_counts_like_rows_that_are_there_as_often(seed):
    random = np.random.default_rng(seed)
    score = random.integers(1, 9, 60) / 10
    label = np.r_[0.0, 1.0, (random.random(58) < score[2:]).astype(float)]
    weight = random.integers(1, 5, 60)
    often = [np.repeat(values, weight) for values in (label, score)]
    for measure in (
        metrics.auc,
        metrics.brier,
        metrics.log_loss,
        metrics.average_precision,
        metrics.lift_at_tenth,
    ):
        assert measure(label, score, weight.astype(float)) == pytest.approx(measure(*often)), measure.__name__
    ones = np.ones(weight.sum())
    assert metrics.calibration_error(label, score, weight) == pytest.approx(
        metrics.calibration_error(often[0], often[1], ones)
    )


def test_bins_of_equal_weight_are_those_of_equal_size_when_all_weigh_the_same():
    random = np.random.default_rng(0)
    probability = random.random(500)
    label = (random.random(500) < probability).astype(float)
    plain = metrics.calibration_error(label, probability)
    assert metrics.calibration_error(label, probability, np.full(500, 3.0)) == pytest.approx(plain)


def test_a_tenth_holds_a_tenth_of_the_weight():
    random = np.random.default_rng(1)
    probability = random.random(3000)
    label = (random.random(3000) < probability).astype(float)
    weight = np.where(label == 1, 2.0, 9.0)
    table = gain_table(label, probability, weight)
    often = gain_table(*(np.repeat(values, weight.astype(int)) for values in (label, probability)))
    assert table["n"].sum() == 3000
    for column in ("mean_predicted", "realised", "cumulative_gain", "lift"):
        assert table[column].to_numpy() == pytest.approx(often[column].to_numpy(), abs=0.02), column


def test_every_draw_of_customers_counts_their_weights():
    label = np.array([1.0, 0.0, 0.0])
    score = np.array([0.5, 0.2, 0.9])
    customers = np.array(["a", "a", "a"])  # always drawn as they are
    weight = np.array([4.0, 3.0, 1.0])
    drawn = metrics.bootstrap_aucs(label, {"a": score}, customers, 3, seed=1, weight=weight)
    assert drawn["a"] == pytest.approx([0.75] * 3)
    rows = evaluate(label, {"model": score}, OUTCOMES["probability"], customers, 3, 1, weight)
    assert rows[0]["base_rate"] == 0.5
    assert rows[0]["auc"] == rows[0]["auc_low"] == 0.75
    assert rows[0]["n"] == 3


def test_the_error_of_a_mean_is_that_of_its_customers_and_not_of_their_rows():
    random = np.random.default_rng(1)
    values, weight = random.normal(size=400), random.uniform(0.5, 2.0, 400)
    customers = np.arange(400).astype(str)
    mean, error = metrics.mean_and_error(values, customers, weight)
    draws = metrics.bootstrap_mean(values, customers, 2000, 1, weight)
    assert (mean, error) == (pytest.approx(metrics.mean(values, weight)), pytest.approx(draws.std(), rel=0.06))
    alike = metrics.mean_and_error(np.tile(values, 4), np.tile(customers, 4), np.tile(weight, 4))
    assert alike == (pytest.approx(mean), pytest.approx(error))
