"""Calibration on a rolling origin: later rows of two label windows, each predicted by what was learnt before them."""

import numpy as np
import pandas as pd
import pytest

from customer_behavior.models.calibration import Isotonic, Platt
from customer_behavior.targets.dataset import Dataset
from customer_behavior.targets.outcome import OUTCOMES
from customer_behavior.training.contenders import Recipe, fit_contenders
from customer_behavior.training.folds import Fold, rolling_folds
from customer_behavior.training.question import Question
from training.test_core import FEATURES, KEY, SETTINGS, rows

QUESTION = Question(KEY, FEATURES)
NONE = rows(0, 0)


def fitted(folds: list[Fold], name: str):
    recipe = Recipe(FEATURES, OUTCOMES["probability"], SETTINGS.xgboost, seed=1, threads=2)
    return fit_contenders(recipe, folds, folds[-1].learn, names=(name,))[name]


def both(*parts: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("name", ["xgboost", "blend", "logistic_regression", "frequency", "rfm", "base_rate"])
def test_the_level_is_that_of_both_windows_and_not_of_the_newest_alone(name):
    fit, busy, quiet = rows(4000, 1), rows(3000, 2, shift=0.8), rows(3000, 3, shift=-0.8)
    learn = both(fit, busy)
    newest = fitted([Fold(learn, quiet)], name)
    rolling = fitted([Fold(fit, busy), Fold(learn, quiet)], name)
    asked = rows(6000, 4)
    usual = both(busy, quiet)["label"].mean()
    assert rolling.model.predict(asked).mean() == pytest.approx(usual, abs=0.04)
    assert newest.model.predict(asked).mean() < usual - 0.1
    assert rolling.held_out == pytest.approx(newest.held_out)  # contenders are compared at one level
    assert rolling.held_out.mean() == pytest.approx(quiet["label"].mean(), abs=0.01)


def test_earlier_rows_are_predicted_by_what_was_learnt_before_them():
    # A hundred unregularised trees know the rows they were fitted on by heart: on these their margins mean far more than on later ones.
    fit, tune, calibration = rows(2000, 1), rows(2000, 2), rows(2000, 3)
    learn = both(fit, tune)
    honest = fitted([Fold(fit, tune), Fold(learn, calibration)], "xgboost_defaults").model.calibrator.slope
    later = fitted([Fold(learn, calibration)], "xgboost_defaults").model.calibrator.slope
    by_heart = fitted([Fold(learn, tune), Fold(learn, calibration)], "xgboost_defaults").model.calibrator.slope
    assert honest == pytest.approx(later, rel=0.15)
    assert by_heart > 1.5 * honest


def test_the_model_and_its_held_out_rows_are_those_of_the_last_fold():
    fit, tune, calibration = rows(3000, 1), rows(2000, 2), rows(1000, 3)
    folds = [Fold(fit, tune), Fold(both(fit, tune), calibration)]
    rolling, last = fitted(folds, "xgboost"), fitted(folds[1:], "xgboost")
    assert rolling.model.booster.save_raw() == last.model.booster.save_raw()
    assert rolling.held_out == pytest.approx(last.held_out)
    assert rolling.model.predict(calibration) != pytest.approx(last.model.predict(calibration), abs=0.005)


def test_steps_that_do_not_hold_in_the_other_window_are_not_taken():
    def outcome(part: pd.DataFrame, turned: bool) -> pd.DataFrame:
        """A step in the middle of how often, in one window up and in the other down: no line of log-odds follows either."""
        often = part["purchase_days_90d"].to_numpy()
        chance = np.where(often == 3, 0.85 if turned else 0.05, 0.1 + 0.07 * often)
        return part.assign(label=(np.random.default_rng(len(part)).random(len(part)) < chance).astype("int8"))

    learn, first, second = rows(4000, 1), outcome(rows(8000, 2), False), outcome(rows(8001, 3), True)
    again = outcome(rows(8000, 4), True)
    assert isinstance(fitted([Fold(learn, second)], "frequency").model.calibrator, Isotonic)
    assert isinstance(fitted([Fold(learn, again), Fold(learn, second)], "frequency").model.calibrator, Isotonic)
    assert isinstance(fitted([Fold(learn, first), Fold(learn, second)], "frequency").model.calibrator, Platt)


def test_the_tune_dates_have_a_say_where_the_fit_dates_would_do_for_a_model():
    def folds(fit: pd.DataFrame, tune: pd.DataFrame) -> list[Fold]:
        return rolling_folds(Dataset(fit, NONE, tune, NONE, rows(500, 3), NONE, rows(500, 4)), QUESTION, SETTINGS)

    fit, tune = rows(SETTINGS.minimum_rows, 1), rows(400, 2)
    early, last = folds(fit, tune)
    assert (len(early.learn), len(early.held_out)) == (len(fit), len(tune))
    assert (len(last.learn), len(last.held_out)) == (len(fit) + len(tune), 500)
    assert len(folds(fit, tune.iloc[:0])) == 1
    assert len(folds(fit.iloc[1:], tune)) == 1  # too few rows
    assert len(folds(fit.assign(label=0), tune)) == 1  # too few of the rarer outcome


@pytest.mark.parametrize("name", ["xgboost", "blend", "logistic_regression", "frequency", "rfm", "base_rate"])
def test_a_model_that_learnt_from_a_busier_window_is_not_raised_to_its_level_twice(name):
    learn, busy = rows(4000, 1), rows(4000, 2, shift=1)
    recipe = Recipe(FEATURES, OUTCOMES["probability"], SETTINGS.xgboost, seed=1, threads=2)
    found = fit_contenders(recipe, [Fold(learn, busy)], both(learn, busy), names=(name,))[name]
    asked = rows(6000, 4, shift=1)
    assert found.model.predict(asked).mean() == pytest.approx(asked["label"].mean(), abs=0.035)
