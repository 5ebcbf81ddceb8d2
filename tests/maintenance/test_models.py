"""A person's choice of the model that serves."""

from datetime import date

import pytest

from customer_behavior.errors import ConfigurationError, NotReadyError
from customer_behavior.maintenance import models
from customer_behavior.maintenance.models import LEAVE
from customer_behavior.settings import TargetKey
from support.mornings import D, days, execute, query, write_model

KEY = TargetKey(target="purchase", horizon_days=7)
PROMOTIONS = "SELECT model_id, effective_as_of, reason, actor FROM models.promotions ORDER BY promotion_id"


@pytest.fixture
def two(warehouse):
    write_model(warehouse, "old", trained_as_of=D - days(20))
    write_model(warehouse, "new", trained_as_of=D - days(10))
    return warehouse


def test_the_models_are_listed_the_newest_first_with_what_a_person_needs_to_choose(two):
    choice = models.choices(two, KEY, D)
    assert [option.rpartition(": ")[2] for option in choice.options] == ["new", "old", LEAVE]
    assert f"trained as of {D - days(10)}" in choice.options[0]
    assert "serves now" in choice.options[0] and "serves now" not in choice.options[1]
    assert choice.now == f"model new serves the dates after {D}"


def test_the_chosen_one_is_a_new_promotion(two):
    option = models.choices(two, KEY, D).options[1]
    done = models.promote_chosen(two, KEY, option, D, reason="", actor="kim", run_id="r")
    assert (done["from"], done["to"]) == ("new", "old")
    rows = query(two, PROMOTIONS)
    assert len(rows) == 3
    assert rows[-1] == {
        "model_id": "old",
        "effective_as_of": D,
        "reason": "chosen by a person in place of new",
        "actor": "kim",
    }


@pytest.mark.parametrize("position", [0, 2])
def test_what_serves_already_and_leaving_it_change_nothing(two, position):
    option = models.choices(two, KEY, D).options[position]
    assert models.promote_chosen(two, KEY, option, D, reason="", actor="kim")["promotion_id"] is None
    assert len(query(two, PROMOTIONS)) == 2


def test_without_a_date_it_serves_after_the_newest_that_the_data_knows(two):
    with pytest.raises(NotReadyError, match="nothing is loaded"):
        models.choices(two, KEY, None)
    execute(
        two,
        "INSERT INTO raw.ingest_batches (source, batch_date, status, files, rows_read, rows_accepted, rows_rejected,"
        " rows_duplicate, event_days) VALUES ('till', '2024-03-31', 'loaded', '{}', 0, 0, 0, 0, '{2024-03-31}')",
    )
    assert models.choices(two, KEY, None).serves_after == date(2024, 4, 1)


def test_a_target_without_models_says_so(warehouse):
    with pytest.raises(ConfigurationError, match=r"no model of purchase/7d? is registered: run train_models first"):
        models.choices(warehouse, KEY, D)
