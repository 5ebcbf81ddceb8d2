"""Rules, cooldown and holdout, on frames."""

import pandas as pd
import pytest

from customer_behavior.errors import ConfigurationError
from customer_behavior.recommend.actions.rules import decide, held_out
from customer_behavior.settings import Actions
from support.mornings import D, days


def actions(*rules, cooldown_days=14, holdout_share=0.0):
    return Actions.model_validate(
        {
            "actions": rules,
            "guardrails": {"cooldown_days": cooldown_days, "holdout_share": holdout_share},
            "recommendations": {"products": 5, "half_life_days": 30, "window_days": 365},
        }
    )


CALL = {
    "action": "call",
    "when": {"lapse": {"min": 0.5}, "orders": {"min": 3}},
    "words": "{lapse:.0%}, {orders:.0f} orders",
}
MAIL = {"action": "mail", "when": {"purchase": {"max": 0.4}}, "words": "buys with {purchase:.0%}"}


def customers(*rows):
    plain = {"lapse": None, "orders": 10, "purchase": 0.9, "last_action_date": None, "suppressed_reason": None}
    return pd.DataFrame([{"customer_id": f"c{n}", **plain, **row} for n, row in enumerate(rows)]).astype(
        {"last_action_date": object}
    )


def outcome(frame):
    return list(zip(frame["action"], frame["reason"], frame["holdout"], strict=True))


def test_the_first_rule_that_holds_says_why():
    decided = decide(
        customers({"lapse": 0.5, "orders": 3, "purchase": 0.1}, {"lapse": 0.7, "orders": 2, "purchase": 0.4}, {}),
        actions(CALL, MAIL),
        D,
    )
    assert outcome(decided) == [
        ("call", "50%, 3 orders", False),
        ("mail", "buys with 40%", False),
        ("none", "no action fits", False),
    ]


def test_a_missing_value_never_holds():
    unbounded = {"action": "any", "when": {"lapse": {}}, "words": "{lapse:.0%}"}
    decided = decide(customers({"lapse": None}, {"lapse": 0.0}), actions(unbounded), D)
    assert list(decided["action"]) == ["none", "any"]


def test_whoever_must_not_be_contacted_has_no_action_and_is_not_held_out():
    decided = decide(
        customers({"purchase": 0.1, "suppressed_reason": "said no"}, {"purchase": 0.1}),
        actions(MAIL, holdout_share=0.999),
        D,
    )
    assert outcome(decided) == [("none", "said no", False), ("mail", "buys with 10%", True)]


def test_the_cooldown_leaves_alone_until_it_is_over():
    decided = decide(
        customers(
            {"purchase": 0.1, "last_action_date": D - days(13)}, {"purchase": 0.1, "last_action_date": D - days(14)}
        ),
        actions(MAIL),
        D,
    )
    assert outcome(decided) == [
        ("none", "left alone until 2024-03-11: mail fits, but the last action was on 2024-02-26", False),
        ("mail", "buys with 10%", False),
    ]
    assert list(decided["last_action_date"]) == [D - days(13), D - days(14)]


def test_the_holdout_is_the_same_every_day_and_of_the_size_asked_for():
    frame = customers(*[{"purchase": 0.1}] * 5000)
    rules = actions(MAIL, holdout_share=0.1)
    first = decide(frame, rules, D)
    shuffled = decide(frame.sample(frac=1, random_state=1), rules, D + days(1))
    assert set(first.loc[first["holdout"], "customer_id"]) == set(shuffled.loc[shuffled["holdout"], "customer_id"])
    assert 0.085 < first["holdout"].mean() < 0.115  # 0.1 within 3.5 standard errors
    assert set(first["action"]) == {"mail"}


def test_the_holdout_is_drawn_for_each_action_apart():
    ids = [f"c{n}" for n in range(5000)]
    both = sum(held_out(who, "call", 0.1) and held_out(who, "mail", 0.1) for who in ids)
    assert 25 <= both <= 80  # 50 expected of independent draws, 500 of the same draw
    assert not any(held_out(who, "call", 0.0) for who in ids)
    # Fixed for ever: whoever was held out yesterday has to be so tomorrow, on any machine.
    assert [who for who in ids[:40] if held_out(who, "call", 0.1)] == ["c26", "c39"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({**MAIL, "when": {"mood": {"min": 1}}, "words": "x"}, "action mail asks for 'mood'"),
        ({**MAIL, "words": "{orders}"}, "words of action mail name 'orders'"),
    ],
)
def test_a_rule_that_nobody_can_read_names_itself(rule, message):
    with pytest.raises(ConfigurationError, match=message):
        decide(customers({}), actions(rule), D)
