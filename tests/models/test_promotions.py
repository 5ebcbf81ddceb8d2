from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from customer_behavior.errors import ConfigurationError, NotReadyError
from customer_behavior.models import promotions
from customer_behavior.settings import TargetKey, load_targets

KEY = TargetKey(target="purchase", horizon_days=7)
DAY = date(2024, 3, 10)


def registered(connection) -> str:
    """Register a model with nothing but its name; return it."""
    connection.execute(
        sa.text(
            "INSERT INTO models.model_versions (model_id, target, horizon_days, trained_as_of, card, fit_dates,"
            " calibration_dates, test_dates) VALUES ('old', 'purchase', 7, :day, '{}', '{}', '{}', '{}')"
        ),
        {"day": DAY},
    )
    return "old"


def promote(warehouse, model_id: str, day: date) -> None:
    with warehouse.begin("train") as connection:
        promotions.promote(connection, "purchase", 7, model_id, day, reason="as tested", actor="test")


def serving(warehouse, day: date) -> str | None:
    with warehouse.begin("score") as connection:
        return promotions.champion(connection, "purchase", 7, day)


def test_a_promotion_serves_the_dates_after_it_and_never_its_own(warehouse):
    promote(warehouse, "a", DAY)
    assert serving(warehouse, DAY) is None
    assert serving(warehouse, date(2024, 3, 11)) == "a"
    assert serving(warehouse, date(2025, 1, 1)) == "a"


def test_the_newest_date_wins_and_on_one_date_the_last_decision(warehouse):
    promote(warehouse, "b", date(2024, 3, 12))
    promote(warehouse, "a", DAY)  # decided later, in effect earlier
    assert serving(warehouse, date(2024, 3, 12)) == "a"
    assert serving(warehouse, date(2024, 3, 13)) == "b"
    promote(warehouse, "c", date(2024, 3, 12))
    assert serving(warehouse, date(2024, 3, 13)) == "c"


def test_targets_and_horizons_do_not_mix(warehouse):
    promote(warehouse, "a", DAY)
    with warehouse.begin("score") as connection:
        assert promotions.champion(connection, "purchase", 30, date(2024, 4, 1)) is None
        assert promotions.champion(connection, "lapse", 7, date(2024, 4, 1)) is None


def test_a_rollback_is_a_new_row_and_names_a_model_that_is_there(warehouse):
    with warehouse.begin("train") as connection:
        old = registered(connection)
    promote(warehouse, old, DAY)
    promote(warehouse, "new", date(2024, 3, 12))
    with warehouse.begin("train") as connection:
        promotions.rollback(connection, "purchase", 7, old, date(2024, 3, 14), reason="complaints", actor="ada")
    assert serving(warehouse, date(2024, 3, 14)) == "new"
    assert serving(warehouse, date(2024, 3, 15)) == old
    with warehouse.begin() as connection:
        rows = connection.execute(sa.text("SELECT model_id, actor FROM models.promotions ORDER BY promotion_id")).all()
    assert [tuple(row) for row in rows] == [(old, "test"), ("new", "test"), (old, "ada")]


@pytest.mark.parametrize(
    ("target", "model", "says"), [("purchase", "gone", "no model gone"), ("lapse", None, "not of lapse/7d")]
)
def test_a_rollback_to_what_cannot_serve_is_refused(warehouse, target, model, says):
    with warehouse.begin("train") as connection:
        old = registered(connection)
        with pytest.raises(ConfigurationError, match=says):
            promotions.rollback(connection, target, 7, model or old, DAY, reason="", actor="ada")


def test_a_model_that_knows_what_was_not_known_then_is_refused(warehouse):
    with warehouse.begin("train") as connection:
        old = registered(connection)
        too_early = DAY - timedelta(days=1)
        with pytest.raises(
            ConfigurationError, match=f"trained as of {DAY} and knows what was not known on {too_early}"
        ):
            promotions.rollback(connection, "purchase", 7, old, too_early, reason="again", actor="test")
        assert promotions.rollback(connection, "purchase", 7, old, DAY, reason="again", actor="test")


def test_the_primary_target_without_a_model_says_what_to_do(warehouse):
    promote(warehouse, "a", DAY)
    with warehouse.begin("score") as connection:
        with pytest.raises(NotReadyError, match="run train_models for an earlier date"):
            promotions.champions(connection, load_targets(), KEY, DAY)
        found = promotions.champions(connection, load_targets(), KEY, date(2024, 3, 11))
    assert found == {KEY: "a"}
