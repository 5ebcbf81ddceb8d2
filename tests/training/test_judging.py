"""Which contender serves, and on which rows champion and challenger meet."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from customer_behavior.errors import CheckFailedError
from customer_behavior.models import BaseRate, Blend, BoostedTrees, Linear
from customer_behavior.models.promotions import Champion
from customer_behavior.settings import TargetKey, load_targets
from customer_behavior.targets.cutoffs import Cutoffs
from customer_behavior.targets.dataset import Dataset
from customer_behavior.targets.outcome import OUTCOMES
from customer_behavior.training.contenders import BLEND, TREES, Contender, Recipe, fit_contenders
from customer_behavior.training.core import train
from customer_behavior.training.folds import Fold
from customer_behavior.training.judging import against_champion, last_label_end, stand_in, warm_start_of
from customer_behavior.training.procedures import WarmStart, choose_contender
from customer_behavior.training.question import Question

PROBABILITY = OUTCOMES["probability"]
FEATURES = ("days_since_purchase", "purchase_days_90d", "mood")
KINDS = (BoostedTrees, Linear, Blend)
KEY = TargetKey(target="purchase", horizon_days=7)
FIRST = date(2024, 1, 1)
WEEKS = [FIRST + timedelta(days=7 * week) for week in range(5)]
CUTOFFS = Cutoffs(fit=(WEEKS[0], WEEKS[1]), calibration=(WEEKS[2],), test=(WEEKS[3], WEEKS[4]))


def settings():
    training = load_targets().training
    quick = {"trials": 0, "max_trees": 40}
    return training.model_copy(
        update={
            "bootstrap_samples": 60,
            "tuning": training.tuning.model_copy(update=quick),
            "xgboost": {**training.xgboost, "n_estimators": 30},
        }
    )


def rows(day: date, count: int = 1500, straight: bool = False) -> pd.DataFrame:
    random = np.random.default_rng(day.toordinal())
    frequency, mood = random.poisson(3, count), random.normal(size=count)
    odds = 0.9 * mood + 0.3 * frequency - 1.2 if straight else 1.6 * np.abs(mood) + 0.3 * frequency - 2.4
    return pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(count)],
            "as_of_date": day,
            "days_since_purchase": random.integers(0, 60, count).astype("float32"),
            "purchase_days_90d": frequency.astype("float32"),
            "mood": mood.astype("float32"),
            "label": (random.random(count) < expit(odds)).astype("int8"),
            "weight": 1.0,
        }
    )


def dataset(**given) -> Dataset:
    parts = {
        name: pd.concat([rows(day, **given) for day in days], ignore_index=True)
        if days
        else rows(FIRST, **given).iloc[:0]
        for name, days in CUTOFFS.parts().items()
    }
    return Dataset(**parts)


@pytest.fixture(scope="module")
def trained():
    return train(dataset(), CUTOFFS, Question(KEY, FEATURES), WEEKS[4] + timedelta(days=7), settings())


def served(losses: dict[str, np.ndarray], label: np.ndarray, champion: WarmStart | None = None) -> str:
    calibration = pd.DataFrame({"label": label, "weight": 1.0, "customer_id": np.arange(len(label)).astype(str)})
    contenders = {name: Contender(name, BaseRate(0.5), held_out) for name, held_out in losses.items()}
    return choose_contender(contenders, calibration, PROBABILITY, champion, settings())


def test_a_contender_serves_only_if_it_is_surely_better():
    random = np.random.default_rng(0)
    truth = random.beta(2, 2, 3000)
    label = (random.random(3000) < truth).astype(float)
    blurred = np.clip(truth + random.normal(0, 0.25, 3000), 0.01, 0.99)
    level = np.clip(truth + random.normal(0, 0.005, 3000), 0.01, 0.99)
    assert served({TREES: blurred, BLEND: blurred, "logistic_regression": truth}, label) == "logistic_regression"
    alike = {TREES: truth, BLEND: blurred, "logistic_regression": level}
    assert served(alike, label) == TREES
    assert served(alike, label, WarmStart("logistic_regression", {})) == "logistic_regression"
    assert served({TREES: blurred, BLEND: truth}, label) == BLEND
    assert served({TREES: truth, BLEND: blurred}, label, WarmStart(BLEND, {})) == TREES


def test_where_the_truth_is_straight_trees_alone_do_not_serve_and_it_is_marked():
    straight = train(dataset(straight=True), CUTOFFS, Question(KEY, FEATURES), WEEKS[4], settings())
    assert straight.contender in ("logistic_regression", BLEND)
    marked = {row["contender"] for row in straight.evaluations if row["served"]}
    assert marked == {"model", straight.contender}


def test_the_test_rows_have_no_say_in_which_procedure_serves_nor_in_what_is_judged(trained):
    data = dataset()
    shuffled = data.test.assign(label=np.random.default_rng(1).permutation(data.test["label"].to_numpy()))
    other = train(replace(data, test=shuffled), CUTOFFS, trained.question, WEEKS[4] + timedelta(days=7), settings())
    assert other.contender == trained.contender
    assert (other.backtest.predictions["model"] == trained.backtest.predictions["model"]).all()


def test_what_serves_is_the_same_procedure_fitted_on_every_date(trained):
    model, judged, data = trained.model, trained.judged, trained.data
    assert judged is not None
    assert model.card["refit"] == {
        "dates": 5,
        "first": str(WEEKS[0]),
        "last": str(WEEKS[4]),
        "rows": 5 * 1500,
        "positives": int(data.every["label"].sum()),
    }
    assert model.kind == judged.kind
    assert model.card["space"] == judged.card["space"]
    every, asked = data.every, rows(WEEKS[4] + timedelta(days=7))
    recipe = Recipe(FEATURES, PROBABILITY, trained.tuned.hyperparameters, settings().seed, threads=1)
    by_hand = fit_contenders(recipe, [Fold(data.learn, data.calibration)], every, names=(trained.contender,))
    again = by_hand[trained.contender].model
    served, known_before, whole = (one.margin(asked) for one in (model, judged, again) if isinstance(one, KINDS))
    assert served == pytest.approx(whole, abs=1e-4)
    assert known_before != pytest.approx(whole, abs=1e-2)
    # It knows the test rows' outcomes, which what is judged does not.
    label = data.test["label"].to_numpy(dtype=float)
    own, honest = (PROBABILITY.row_loss(label, one.predict(data.test)).mean() for one in (model, judged))
    assert own < honest
    row = next(row for row in trained.evaluations if row["contender"] == "model")
    assert row["log_loss"] == pytest.approx(honest)


def test_the_newest_dates_move_what_serves_at_once(trained):
    data = dataset()
    busier = replace(data, test=data.test.assign(label=(data.test["label"] | (data.test["mood"] > 1)).astype("int8")))
    other = train(busier, CUTOFFS, trained.question, WEEKS[4] + timedelta(days=7), settings())
    asked = rows(WEEKS[4] + timedelta(days=7))
    lively = asked[asked["mood"] > 1.2]
    assert other.model.predict(lively).mean() > trained.model.predict(lively).mean() + 0.01


def champion(model, judged=None) -> Champion:
    return Champion("old", model, judged)


def test_labels_end_a_horizon_after_the_last_date_learnt_from(trained):
    assert last_label_end(trained.judged) == WEEKS[2] + timedelta(days=7) == WEEKS[3]
    assert last_label_end(trained.model) == WEEKS[4] + timedelta(days=7)
    assert last_label_end(BaseRate(0.5)) is None


def aged(model, days: int):
    """The judged fit as if it had learnt from dates so many days later."""
    cutoffs = {
        part: [str(date.fromisoformat(day) + timedelta(days=days)) for day in dates]
        for part, dates in model.card["cutoffs"].items()
    }
    return replace(model, card={**model.card, "cutoffs": cutoffs})


def test_procedures_are_compared_as_they_were_judged_on_rows_that_neither_fit_knows(trained):
    whole = against_champion(trained, champion(trained.model, trained.judged), settings())
    assert f"the champion old on {2 * 1500} rows" in whole.reason
    assert whole.checks["gain"]["mean"] == 0
    later = against_champion(trained, champion(trained.model, aged(trained.judged, 7)), settings())
    assert "the champion old on 1500 rows" in later.reason


def test_a_procedure_that_was_judged_much_better_keeps_its_place(trained):
    flat = replace(
        trained,
        backtest=replace(trained.backtest, predictions={**trained.backtest.predictions, "model": np.full(3000, 0.5)}),
    )
    decision = against_champion(flat, champion(trained.model, trained.judged), settings())
    assert not decision.accepted


def test_without_later_rows_the_champions_procedure_is_fitted_on_the_same_days(trained):
    aged_model = aged(trained.judged, 70)
    same = against_champion(trained, champion(trained.model, aged_model), settings())
    assert same.accepted
    assert "the champion old's procedure, fitted on newer days" in same.reason
    newer = replace(aged_model, card={**aged_model.card, "space": {**aged_model.card["space"], "gamma": 1.0}})
    again = stand_in(trained, newer, settings())
    assert again == pytest.approx(trained.judged.predict(trained.data.test), abs=1e-6)
    decision = against_champion(trained, champion(trained.model, newer), settings())
    assert "the champion old's procedure, fitted on the same days," in decision.reason
    assert decision.accepted
    assert decision.checks["gain"]["mean"] == pytest.approx(0, abs=1e-6)


def test_a_champion_that_reads_what_is_gone_gives_way(trained):
    poorer = replace(trained, backtest=replace(trained.backtest, rows=trained.backtest.rows.drop(columns="mood")))
    decision = against_champion(poorer, champion(trained.judged), settings())
    assert decision.accepted
    assert "the champion cannot score" in decision.reason
    assert "mood" in decision.reason


def test_a_procedure_that_cannot_be_fitted_again_says_so(trained):
    with pytest.raises(CheckFailedError, match="cannot be fitted on these days"):
        stand_in(trained, BaseRate(0.5, card={"served": "oracle"}), settings())


def test_other_hyperparameters_or_kinds_are_another_procedure_and_other_columns_or_more_trees_are_not(trained):
    card = trained.model.card
    assert not trained.another_procedure(trained.model)
    more = {**card, "parameters": {**card["parameters"], "n_estimators": 999}}
    assert not trained.another_procedure(replace(trained.model, card=more))
    assert not trained.another_procedure(replace(trained.model, card={**card, "columns": ["mood"]}))
    for other in ({"served": "rfm"}, {"space": {**card["space"], "max_depth": 9}}):
        assert trained.another_procedure(replace(trained.model, card={**card, **other}))
    assert warm_start_of(trained.model).hyperparameters == (
        card["parameters"] if trained.contender in (TREES, BLEND) else {}
    )
