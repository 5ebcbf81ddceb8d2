"""Rules of whom to contact: what they catch and earn."""

from __future__ import annotations

import numpy as np
import pytest
import sqlalchemy as sa

from customer_behavior.errors import ConfigurationError
from customer_behavior.evaluation.thresholds import outcome_of, thresholds
from customer_behavior.warehouse import copy_frame

LABEL = np.array([1, 0, 1, 0, 0])
PROBABILITY = np.array([0.9, 0.65, 0.4, 0.2, 0.1])


def rules(*arguments, **options) -> dict:
    return {row["rule"]: row for row in thresholds(*arguments, **options)}


def test_the_numbers_of_both_rules_by_hand():
    found = rules(LABEL, PROBABILITY, 2.0, 10.0)
    assert set(found) == {"best_profit", "over_65"}
    pays, over = found["best_profit"], found["over_65"]
    assert pays["threshold"] == pytest.approx(0.2)
    assert (pays["n"], pays["share_contacted"], pays["precision"], pays["recall"]) == (4, 0.8, 0.5, 1.0)
    assert pays["profit_per_customer"] == pytest.approx((2 * 10 - 4 * 2) / 5)
    assert (over["threshold"], over["n"], over["share_contacted"]) == (0.65, 2, 0.4)  # 0.65 itself is in
    assert (over["precision"], over["recall"]) == (0.5, 0.5)
    assert over["profit_per_customer"] == pytest.approx((10 - 2 * 2) / 5)
    assert (over["contact_cost"], over["sale_value"]) == (2.0, 10.0)


def test_a_weight_is_that_many_rows():
    weight = np.array([3, 1, 2, 5, 1])
    repeated = rules(np.repeat(LABEL, weight), np.repeat(PROBABILITY, weight), 1.0, 4.0)
    for rule, row in rules(LABEL, PROBABILITY, 1.0, 4.0, weight=weight).items():
        of_rows = {name: value for name, value in repeated[rule].items() if name not in ("rule", "n")}
        assert {name: row[name] for name in of_rows} == pytest.approx(of_rows)
        assert row["n"] == int((row["threshold"] <= PROBABILITY).sum())


def test_the_break_even_rule_is_not_picked_on_the_test_rows_and_earns_most_where_probabilities_are_right():
    generator = np.random.default_rng(7)
    probability = generator.beta(1, 6, 400_000)
    label = generator.random(400_000) < probability
    chosen = rules(label, probability, 1.0, 8.0)["best_profit"]
    assert chosen["threshold"] == 1 / 8
    assert rules(label[:50], probability[:50], 1.0, 8.0)["best_profit"]["threshold"] == 1 / 8
    others = [outcome_of(label, probability, at, 1.0, 8.0)["profit_per_customer"] for at in (0.0, 0.05, 0.2, 0.3, 0.65)]
    assert chosen["profit_per_customer"] > max(others) > 0


def test_nobody_over_a_rule_and_nothing_that_came_true():
    nobody = rules(np.array([1, 0]), np.array([0.3, 0.1]), 20.0, 10.0)
    assert nobody["best_profit"]["threshold"] == 2.0  # a contact costs more than a sale brings
    for row in nobody.values():
        assert (row["n"], row["precision"], row["recall"], row["profit_per_customer"]) == (0, None, 0.0, 0.0)
    nothing = rules(np.zeros(2), np.array([0.9, 0.1]), 1.0, 2.0)["over_65"]
    assert (nothing["precision"], nothing["recall"], nothing["profit_per_customer"]) == (0.0, 0.0, -0.5)
    assert thresholds(np.empty(0), np.empty(0), 1.0, 2.0) == []


@pytest.mark.parametrize(("cost", "value"), [(-1, 10), (1, 0), (float("nan"), 10), (1, float("inf"))])
def test_a_cost_or_value_that_gives_no_threshold_is_refused(cost, value):
    with pytest.raises(ConfigurationError, match=r"targets\.yaml: contact: cost"):
        thresholds(LABEL, PROBABILITY, cost, value)


def test_the_rows_fit_their_table(warehouse):
    import pandas as pd

    rows = thresholds(LABEL, PROBABILITY, 20.0, 10.0)
    with warehouse.begin("train") as connection:
        copy_frame(connection, "models.thresholds", pd.DataFrame(rows).assign(model_id="m"))
        kept = (
            connection.execute(sa.text("SELECT * FROM models.thresholds WHERE rule = 'best_profit'")).mappings().one()
        )
    assert dict(kept) == {"model_id": "m", **rows[0]}
