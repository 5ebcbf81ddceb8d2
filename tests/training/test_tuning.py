"""Which hyperparameters win, and that a study is repeatable, bounded and on record."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from customer_behavior.settings import Tuning
from customer_behavior.targets.outcome import OUTCOMES
from customer_behavior.training.tuning import Trial, choose, explain_cost, tune

FEATURES = ("often", "mood", "noise")
START = {"n_estimators": 50, "max_depth": 3, "learning_rate": 0.1, "min_child_weight": 5, "subsample": 0.8,
         "colsample_bytree": 0.8, "reg_lambda": 1.0}  # fmt: skip
SETTINGS = Tuning(trials=6, timeout_seconds=600, max_rows=10_000, max_trees=80, early_stopping_trees=10, every_days=7)


def rows(count: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    often, mood = random.poisson(3, count), random.normal(size=count)
    odds = 0.4 * often + 1.5 * np.abs(mood) - 2.4
    return pd.DataFrame(
        {
            "often": often.astype("float32"),
            "mood": mood.astype("float32"),
            "noise": random.normal(size=count).astype("float32"),
            "label": (random.random(count) < expit(odds)).astype("int8"),
            "weight": 1.0,
            "customer_id": [f"c{n}" for n in range(count)],
        }
    )


def study(start=START, settings=SETTINGS, seed=1):
    return tune(rows(3000, 1), rows(2000, 2), FEATURES, OUTCOMES["probability"], start, settings, seed, threads=2)


def test_the_same_rows_seed_and_start_give_the_same_study():
    first = study()
    assert study() == first
    assert study(seed=2).trials != first.trials


def test_the_first_trial_is_the_start_and_one_is_chosen():
    found = study()
    assert found.trials[0].parameters == {name: value for name, value in START.items() if name != "n_estimators"}
    assert len(found.trials) == SETTINGS.trials
    [chosen] = [trial for trial in found.trials if trial.chosen]
    assert found.hyperparameters == {**chosen.parameters, "n_estimators": chosen.trees}
    assert all(trial.trees <= SETTINGS.max_trees for trial in found.trials if trial.trees)
    assert all((trial.loss is None) == (trial.state != "complete") for trial in found.trials)


BAD = {**START, "max_depth": 6, "learning_rate": 0.02, "min_child_weight": 200, "colsample_bytree": 0.2}


def test_a_bad_start_is_left_behind():
    found = study(BAD, SETTINGS.model_copy(update={"trials": 12}))
    [chosen] = [trial for trial in found.trials if trial.chosen]
    assert chosen.trial != 0
    assert chosen.loss < found.trials[0].loss


def test_a_good_start_stays_though_another_trial_was_a_little_luckier():
    found = study({**START, "max_depth": 4}, SETTINGS.model_copy(update={"trials": 12}))
    best = min((trial for trial in found.trials if trial.loss is not None), key=lambda trial: trial.loss)
    assert best.trial != 0 and best.loss < found.trials[0].loss, "the search was to find something luckier"
    assert found.trials[0].chosen


def test_a_search_that_is_left_keeps_its_record_and_fits_what_it_began_with():
    found = study(BAD, SETTINGS.model_copy(update={"trials": 12})).rejected_for(BAD)
    assert found.hyperparameters == BAD
    assert [trial.trial for trial in found.trials if trial.chosen] == [0]
    assert len(found.trials) == 12


def test_trees_are_those_of_the_least_loss_and_not_those_added_to_see_that_more_do_not_help():
    learnt, later = rows(3000, 1), rows(2000, 2)
    learnt["label"] = np.random.default_rng(3).integers(
        0, 2, len(learnt)
    )  # nothing to learn: every tree is one too many
    settings = SETTINGS.model_copy(update={"trials": 2, "max_trees": 200})
    found = tune(learnt, later, FEATURES, OUTCOMES["probability"], START, settings, 1, threads=2)
    [first, *_] = found.trials
    assert first.trees is not None
    assert first.trees <= settings.early_stopping_trees


def test_a_study_without_time_is_ended_says_so_and_still_gives_hyperparameters():
    found = study(settings=SETTINGS.model_copy(update={"timeout_seconds": 1e-6}))
    assert found.aborted
    assert [trial.state for trial in found.trials] == ["aborted"]
    assert found.hyperparameters == START


def trial(number: int, loss: float | None, depth: int = 3, trees: int = 100) -> Trial:
    return Trial(number, "complete" if loss else "pruned", {"max_depth": depth}, loss, trees if loss else None)


ROWS = 2000


def losses_of(trials: list[Trial], noise: float, unit: float = 1.0) -> dict[int, np.ndarray]:
    """Rows whose mean loss is that of the trial, and whose differences between trials have so much noise."""
    random = np.random.default_rng(1)
    plain = random.normal(0.5, 0.3, ROWS)
    return {
        one.trial: unit * (plain - plain.mean() + one.loss + np.tile([noise, -noise], ROWS // 2) * one.trial)
        for one in trials
        if one.loss is not None
    }


@pytest.mark.parametrize("unit", [1.0, 100.0])
@pytest.mark.parametrize(
    ("trials", "noise", "chosen"),
    [
        ([trial(0, 0.501), trial(1, 0.5)], 0.05, 0),  # half as much again as chance explains is not enough
        ([trial(0, 0.501), trial(1, 0.5)], 0.001, 1),  # the same difference, and rows that agree on it
        ([trial(0, 0.6), trial(1, 0.5, depth=6), trial(2, 0.5001, depth=2)], 0.01, 2),  # of equals the cheaper
        ([trial(0, 0.6), trial(1, 0.5, depth=6), trial(2, 0.55, depth=2)], 0.01, 1),  # cheaper, and surely worse
        ([trial(0, 0.5, depth=6), trial(1, 0.5, depth=2)], 0.01, 0),  # being cheaper alone is no reason
        ([trial(0, None), trial(1, 0.5)], 0.01, 1),
    ],
)
def test_the_start_stays_unless_another_is_surely_better_in_whatever_unit(trials, noise, chosen, unit):
    found = choose(trials, losses_of(trials, noise, unit), np.arange(ROWS).astype(str))
    assert found is not None
    assert found.trial == chosen


def test_rows_of_one_customer_count_as_one():
    trials = [trial(0, 0.503), trial(1, 0.5)]
    losses = losses_of(trials, 0.05)
    alone, shared = np.arange(ROWS).astype(str), np.tile(["odd", "even"], ROWS // 2)
    found = [choose(trials, losses, customers) for customers in (alone, shared)]
    assert [one and one.trial for one in found] == [1, 0]


def test_without_a_complete_trial_there_is_no_choice():
    assert choose([trial(0, None)], {}, np.empty(0)) is None


def test_deep_trees_cost_more_than_many():
    assert explain_cost(trial(0, 0.5, depth=6, trees=100)) > 10 * explain_cost(trial(0, 0.5, depth=3, trees=100))
    assert explain_cost(trial(0, 0.5, trees=200)) == 2 * explain_cost(trial(0, 0.5, trees=100))
