"""Rules of segments: applied, stored, said."""

import pandas as pd
import pytest

from customer_behavior.monitoring.error_segments.segment_rules import (
    Condition,
    in_words,
    matches,
    rule_from_json,
    rule_to_json,
    simplify,
)
from customer_behavior.settings import load_settings

FRAME = pd.DataFrame({"orders_28d": [1, 2, 3, 4], "gap_mean_days": [None, 5.0, None, 9.0]})


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Condition("orders_28d", "<=", 2.0), [True, True, False, False]),
        (Condition("orders_28d", ">", 2.0), [False, False, True, True]),
        (Condition("gap_mean_days", "<=", 6.0), [False, True, False, False]),
        (Condition("gap_mean_days", "<= or missing", 6.0), [True, True, True, False]),
        (Condition("gap_mean_days", ">", 6.0), [False, False, False, True]),
        (Condition("gap_mean_days", "is missing"), [True, False, True, False]),
        (Condition("gap_mean_days", "is not missing"), [False, True, False, True]),
    ],
)
def test_conditions_and_missing_values(condition, expected):
    assert list(matches(FRAME, (condition,))) == expected
    assert rule_from_json(rule_to_json((condition,))) == (condition,)


def test_all_conditions_have_to_hold():
    rule = (Condition("orders_28d", ">", 1.5), Condition("gap_mean_days", "is missing"))
    assert list(matches(FRAME, rule)) == [False, False, True, False]


def test_a_path_keeps_the_tightest_bound_of_each_side():
    a = Condition("orders_28d", "<=", 9.0)
    b = Condition("orders_28d", ">", 1.0)
    c = Condition("orders_28d", "<=", 5.0)
    d = Condition("orders_28d", ">", 3.0)
    assert set(simplify([a, b, c, d])) == {c, d}
    missing, present = Condition("gap_mean_days", "is missing"), Condition("gap_mean_days", "is not missing")
    upper, lower = Condition("gap_mean_days", "<= or missing", 4.0), Condition("gap_mean_days", ">", 4.0)
    assert simplify([upper, missing]) == (missing,)
    assert simplify([present, lower]) == (lower,)
    assert simplify([lower, present]) == (lower,)


def test_present_and_at_most_or_missing_together_mean_at_most():
    rule = simplify([Condition("gap_mean_days", "<= or missing", 6.0), Condition("gap_mean_days", "is not missing")])
    assert list(matches(FRAME, rule)) == [False, True, False, False]


def test_in_words():
    rule = (
        Condition("orders_28d", "<=", 2.5),
        Condition("gap_mean_days", "<= or missing", 6.25),
        Condition("revenue_90d", ">", 100.0),
        Condition("cycle_position", "is missing"),
    )
    assert in_words(rule, load_settings().features) == (
        "orders in 28 days at most 2.5; mean days between purchase days at most 6.25 or none; "
        "revenue in 90 days above 100; days since the last purchase over the mean gap: none"
    )


def test_an_unknown_operator_is_named():
    with pytest.raises(ValueError, match="unknown operator 'like'"):
        rule_from_json([{"feature": "orders_28d", "op": "like", "value": 1}])
