"""A champion is fitted anew every night; a search is asked for, and the same night again does the same."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from customer_behavior.models import BaseRate, promotions
from customer_behavior.stages import train_models
from customer_behavior.training import core, judging
from support.training_shop import AS_OF, WEEK_BEFORE, table, train

pytestmark = pytest.mark.usefixtures("blank_page")


def every(days: int, config) -> None:
    """Let a search be due so often."""
    targets = config / "targets.yaml"
    text = targets.read_text()
    assert "every_days: 7" in text
    targets.write_text(text.replace("every_days: 7", f"every_days: {days}"))


def trials_of(warehouse, model_id: str) -> list[tuple]:
    return table(warehouse, f"SELECT trial, chosen FROM models.tuning_trials WHERE model_id = '{model_id}' ORDER BY 1")


def procedure_of(warehouse, model_id: str) -> tuple:
    query = "SELECT card ->> 'served', card -> 'space' FROM models.model_versions WHERE model_id = '{}'"
    return table(warehouse, query.format(model_id))[0]


def test_between_searches_the_champions_procedure_is_fitted_on_newer_dates(served, served_shop, config):
    every(8, config)
    first, second = served[0], train(served_shop)[0]
    assert trials_of(served_shop, second["model_id"]) == []
    assert procedure_of(served_shop, second["model_id"]) == procedure_of(served_shop, first["model_id"])
    assert second["cutoffs"]["test"] > first["cutoffs"]["test"]
    assert second["promoted"], second["reason"]


def test_a_request_to_train_asks_for_a_search_and_the_same_night_again_searches_again(served_shop, config):
    every(8, config)
    with served_shop.begin("score") as connection:
        connection.execute(
            sa.text(
                "INSERT INTO monitoring.retraining_requests (as_of_date, target, horizon_days, reason)"
                " VALUES (:day, 'purchase', 7, 'drift')"
            ),
            {"day": AS_OF},
        )
    first, again = train(served_shop)[0], train(served_shop)[0]
    assert len(trials_of(served_shop, first["model_id"])) == 2
    assert again["model_id"] == first["model_id"]


def test_a_search_that_found_nothing_better_does_not_block_the_refit(served, served_shop, monkeypatch):
    def search_badly(*arguments, keep=None, **options):
        trained = core.train(*arguments, keep=keep, **options)
        card = {**trained.model.card, "served": "base_rate"}
        return trained if keep else replace(trained, model=BaseRate(0.99, card=card), contender="base_rate")

    monkeypatch.setattr(train_models, "train", search_badly)
    second = train(served_shop)[0]
    assert second["promoted"], second["reason"]
    assert "what the search found is not surely better, and left" in second["reason"]
    assert procedure_of(served_shop, second["model_id"]) == procedure_of(served_shop, served[0]["model_id"])
    assert [chosen for _, chosen in trials_of(served_shop, second["model_id"])] == [True, False]


def test_the_same_night_again_starts_from_what_served_before_it(served_shop, monkeypatch):
    began_with = []

    def starting(champion):
        began_with.append(champion.card["trained_as_of"])
        return judging.warm_start_of(champion)

    monkeypatch.setattr(train_models, "warm_start_of", starting)
    first = train(served_shop)[0]
    assert first["promoted"], "the second run was to find another model promoted"
    counted = "SELECT (SELECT count(*) FROM models.decisions), (SELECT count(*) FROM models.promotions)"
    before = table(served_shop, counted)
    again = train(served_shop)[0]
    assert (again["model_id"], again["accepted"], again["promoted"]) == (first["model_id"], first["accepted"], False)
    assert table(served_shop, counted) == before
    assert began_with == [str(WEEK_BEFORE)] * 2


def test_the_same_night_again_takes_back_nothing_that_a_person_chose_since(trained, trained_shop):
    with trained_shop.begin("train") as connection:
        connection.execute(
            sa.text(
                "INSERT INTO models.model_versions (model_id, target, horizon_days, trained_as_of, card, fit_dates,"
                " calibration_dates, test_dates) VALUES ('older', 'purchase', 7, :day, '{}', '{}', '{}', '{}')"
            ),
            {"day": WEEK_BEFORE},
        )
        promotions.rollback(connection, "purchase", 7, "older", AS_OF, reason="too high", actor="ann")
    again = train(trained_shop)[0]
    assert (again["model_id"], again["promoted"], again["serving"]) == (trained[0]["model_id"], False, "older")
