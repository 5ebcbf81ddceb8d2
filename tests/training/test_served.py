"""Which contender serves: what serves already, unless another is surely better."""

import numpy as np
import pandas as pd

from customer_behavior.models import BaseRate
from customer_behavior.settings import load_targets
from customer_behavior.targets.outcome import OUTCOMES
from customer_behavior.training.contenders import BLEND, TREES, Contender
from customer_behavior.training.procedures import WarmStart, choose_contender

COUNT = 4000
RANDOM = np.random.default_rng(1)
TRUTH = RANDOM.uniform(0.05, 0.6, COUNT)
LABEL = (RANDOM.random(COUNT) < TRUTH).astype(float)
ROWS = pd.DataFrame({"customer_id": np.arange(COUNT).astype(str), "label": LABEL, "weight": 1.0})
FLAT = np.full(COUNT, LABEL.mean())
NEARLY = np.clip(TRUTH + RANDOM.normal(0, 0.01, COUNT), 0.01, 0.99)
"""As good as the truth, as far as 4,000 rows can tell."""


def served(champion: str | None = None, /, **held_out: np.ndarray) -> str:
    contenders = {name: Contender(name, BaseRate(0.5), predicted) for name, predicted in held_out.items()}
    last = WarmStart(champion, {}) if champion else None
    return choose_contender(contenders, ROWS, OUTCOMES["probability"], last, load_targets().training)


def test_the_first_time_the_better_of_trees_and_blend_serves():
    assert served(**{TREES: FLAT, BLEND: TRUTH, "rfm": FLAT}) == BLEND
    assert served(**{TREES: TRUTH, BLEND: FLAT, "rfm": FLAT}) == TREES


def test_what_serves_stays_while_chance_explains_the_others_lead():
    losses = {TREES: NEARLY, BLEND: TRUTH, "logistic_regression": NEARLY}
    assert {name: served(name, **losses) for name in losses} == {name: name for name in losses}


def test_a_baseline_that_is_surely_better_serves_and_of_several_the_best():
    between = (TRUTH + FLAT) / 2
    found = {TREES: FLAT, BLEND: FLAT, "rfm": between, "logistic_regression": TRUTH}
    assert served(TREES, **found) == "logistic_regression"
    assert served(**found) == "logistic_regression"
    assert served(TREES, **{**found, "logistic_regression": FLAT}) == "rfm"


def test_a_champion_that_is_no_contender_any_more_counts_as_none():
    assert served("oracle", **{TREES: FLAT, BLEND: TRUTH}) == BLEND


def test_rows_count_as_often_as_they_stand_for():
    heavy = ROWS.assign(weight=np.where(LABEL == 1, 30.0, 1.0))
    contenders = {
        name: Contender(name, BaseRate(0.5), predicted)
        for name, predicted in {TREES: FLAT, BLEND: FLAT, "rfm": np.full(COUNT, 0.9)}.items()
    }
    chosen = choose_contender(contenders, heavy, OUTCOMES["probability"], None, load_targets().training)
    assert chosen == "rfm"
    assert served(**{TREES: FLAT, BLEND: FLAT, "rfm": np.full(COUNT, 0.9)}) == TREES
