"""A champion is fitted anew every night; a search is asked for, and the same night again does the same."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from customer_behavior.models import promotions, registry
from customer_behavior.stages import train_models
from customer_behavior.training import core, judging
from support.training_shop import AS_OF, LATENESS, WEEK_BEFORE, expecting_everybody, table, train

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
        return trained if keep else expecting_everybody(trained)

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


def test_what_serves_knows_every_labelled_date_and_the_fit_that_was_judged_is_kept_beside_it(served, served_shop):
    name = served[0]["model_id"]
    with served_shop.begin("score") as connection:
        model, judged = registry.load(connection, name), registry.load_judged(connection, name)
    assert judged is not None
    newest = WEEK_BEFORE - timedelta(days=7) - LATENESS
    assert model.card["refit"]["last"] == str(newest)
    assert judging.last_label_end(model) == WEEK_BEFORE - LATENESS
    learnt = judging.last_label_end(judged)
    assert learnt is not None
    assert learnt <= newest
    assert model.card["space"] == judged.card["space"]
    files = table(served_shop, f"SELECT name FROM models.model_files WHERE model_id = '{name}' ORDER BY 1")
    assert {file for (file,) in files if file.startswith("judged/")} == {f"judged/{file}" for file in model.files()}


def test_the_next_night_is_compared_with_the_fit_that_the_champion_was_judged_by(served, served_shop):
    second = train(served_shop)[0]
    assert f"the champion {served[0]['model_id']} on" in second["reason"]
    assert "fitted on newer days" not in second["reason"]
