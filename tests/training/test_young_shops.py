"""A shop too young for parts that are apart in time: a model nevertheless, judged on customers held out."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from customer_behavior.evaluation import metrics
from customer_behavior.models.promotions import Champion
from customer_behavior.targets.cutoffs import Cutoffs
from customer_behavior.targets.dataset import Dataset
from customer_behavior.training.core import train
from customer_behavior.training.folds import customer_folds
from customer_behavior.training.judging import against_champion, last_label_end
from customer_behavior.training.procedures import WarmStart
from customer_behavior.training.question import Question
from training.test_core import FEATURES, KEY, SETTINGS, numbers, rows

FIRST = date(2024, 1, 1)
QUESTION = Question(KEY, FEATURES)


def young(*days: pd.DataFrame) -> tuple[Dataset, Cutoffs]:
    """So many dates, a week apart, and none of them apart from the others."""
    dates = [FIRST + timedelta(days=7 * week) for week in range(len(days))]
    fit = pd.concat([part.assign(as_of_date=day) for part, day in zip(days, dates, strict=True)], ignore_index=True)
    none = fit.iloc[:0]
    return Dataset(fit, none, none, none, none, none, none), Cutoffs(fit=tuple(dates))


def trained_on(*days: pd.DataFrame, **options):
    return train(*young(*days), QUESTION, FIRST + timedelta(days=40), SETTINGS, **options)


@pytest.fixture(scope="module")
def trained():
    return trained_on(rows(1500, 1), rows(1500, 2))


def test_one_labelled_date_is_enough_and_the_confidence_says_how_it_was_judged():
    trained = trained_on(rows(1500, 1))
    card = trained.model.card
    assert (card["confidence"], trained.judged) == ("medium", None)
    assert "too young for separate dates" in card["why"]
    assert "judged on customers held out, of the same dates" in card["why"]
    assert trained.model.kind != "rfm"
    later = rows(4000, 9)
    assert metrics.auc(later["label"].to_numpy(dtype=float), trained.model.predict(later)) > 0.7


def test_its_figures_are_those_of_customers_that_it_was_not_shown(trained):
    """Unregularised trees know their own rows by heart; customers held out, they are no better than on a later date."""
    held_out, later = numbers(trained)["xgboost_defaults"]["auc"], rows(6000, 9)
    by_heart = metrics.auc(
        trained.data.fit["label"].to_numpy(dtype=float),
        trained.contenders["xgboost_defaults"].predict(trained.data.fit),
    )
    honest = metrics.auc(later["label"].to_numpy(dtype=float), trained.contenders["xgboost_defaults"].predict(later))
    assert held_out == pytest.approx(honest, abs=0.03)
    assert by_heart > held_out + 0.1


def test_probabilities_have_the_level_of_its_dates(trained):
    assert trained.model.predict(rows(6000, 9)).mean() == pytest.approx(trained.data.fit["label"].mean(), abs=0.02)
    assert numbers(trained)["model"]["ece"] < 0.03


def test_a_customer_is_in_one_fold_with_all_rows():
    fit = young(rows(300, 1), rows(300, 2))[0].fit
    folds = customer_folds(fit, seed=3)
    shown = [set(fold.held_out["customer_id"]) for fold in folds]
    assert sum(map(len, shown)) == len(set.union(*shown)) == 300
    for fold, customers in zip(folds, shown, strict=True):
        assert not customers & set(fold.learn["customer_id"])
        assert len(fold.learn) + len(fold.held_out) == len(fit)


def test_a_column_that_knows_the_outcome_is_left_out_here_too():
    leaking = rows(1500, 1)
    trained = trained_on(leaking.assign(noise=leaking["label"].astype("float32")))
    assert "noise" not in trained.model.features
    assert [finding.details["column"] for finding in trained.findings if finding.severity == "blocking"] == ["noise"]


@pytest.mark.parametrize(
    "fit",
    [rows(400, 1), rows(1500, 1, shift=-8), rows(1500, 1).assign(label=0), rows(1500, 1).assign(customer_id="one")],
)
def test_less_than_that_is_served_by_a_fallback(fit):
    trained = trained_on(fit)
    assert (trained.model.kind, trained.model.card["confidence"]) == ("rfm", "low")


def test_rows_that_are_too_few_in_each_part_are_enough_together():
    day = FIRST
    parts = [rows(300, seed).assign(as_of_date=day + timedelta(days=7 * seed)) for seed in (0, 1, 2)]
    none = parts[0].iloc[:0]
    data = Dataset(parts[0], none, none, none, parts[1], none, parts[2])
    cutoffs = Cutoffs(fit=(day,), calibration=(day + timedelta(days=7),), test=(day + timedelta(days=14),))
    trained = train(data, cutoffs, QUESTION, day + timedelta(days=30), SETTINGS)
    assert trained.model.card["confidence"] == "medium"
    assert "300 rows to fit, fewer than minimum_rows 500: judged on customers held out" in trained.model.card["why"]
    assert last_label_end(trained.model) == day + timedelta(days=21)


def test_a_table_of_ones_own_is_not_judged_across_the_same_time():
    data, cutoffs = young(rows(1500, 1))
    trained = train(data, cutoffs, QUESTION, FIRST + timedelta(days=40), SETTINGS, hold_out_customers=False)
    assert trained.model.card["confidence"] == "low"


def test_the_next_night_the_same_procedure_is_fitted_on_newer_days(trained):
    start = WarmStart(trained.contender, dict(SETTINGS.xgboost))
    newer = trained_on(rows(1500, 1), rows(1500, 2), rows(1500, 3), champion=start)
    decision = against_champion(newer, Champion("old", trained.model), SETTINGS)
    assert decision.accepted
    other = replace(trained.model, card={**trained.model.card, "served": "frequency"})
    decision = against_champion(newer, Champion("old", other), SETTINGS)
    assert decision.accepted
    assert "the champion old's procedure, fitted on the same days," in decision.reason
    worse = replace(
        newer,
        model=replace(newer.model, card={**newer.model.card, "served": "base_rate"}),
        backtest=replace(
            newer.backtest, predictions={**newer.backtest.predictions, "model": np.full(len(newer.backtest.rows), 0.5)}
        ),
    )
    assert not against_champion(worse, Champion("old", trained.model), SETTINGS).accepted
