"""A night's training against a real warehouse."""

from datetime import date, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from customer_behavior import reporting
from customer_behavior.errors import ConfigurationError, NotReadyError
from customer_behavior.models import promotions
from customer_behavior.reporting import training_report
from customer_behavior.settings import TargetKey
from customer_behavior.stages import train_models
from customer_behavior.training import core
from customer_behavior.training.gate import Decision
from support.rollup_shop import FIRST_DAY, open_shop, purchases
from support.training_shop import AS_OF, DAYS, LATENESS, expecting_everybody, table, train

pytestmark = pytest.mark.usefixtures("blank_page")


def test_every_target_is_trained_registered_judged_and_promoted(shop):
    summaries = train(shop, targets=None)
    assert [
        (found["target"], found["horizon_days"], found.get("confidence"), found["promoted"]) for found in summaries
    ] == [
        ("purchase", 7, "normal", True),
        ("purchase", 30, "medium", True),  # the shop is too young for four times 30 days
        ("lapse", 28, "medium", True),  # 190 rows in the dates to fit, enough in all
        ("value", 30, "medium", True),
        ("conversion", 1, None, False),
    ]
    assert "no source shows visits" in summaries[-1]["reason"]
    purchase = summaries[0]
    assert purchase["cutoffs"]["test"] == [str(AS_OF - timedelta(days=7) - LATENESS)]
    assert purchase["evaluations"]["model"]["auc"] > 0.7
    name = purchase["model_id"]
    contenders = table(shop, f"SELECT contender, served FROM models.evaluations WHERE model_id = '{name}' ORDER BY 1")
    assert [row[0] for row in contenders] == [
        "base_rate", "blend", "frequency", "logistic_regression", "model", "rfm", "xgboost", "xgboost_defaults"
    ]  # fmt: skip
    assert [row[0] for row in contenders if row[1]] == sorted(["model", purchase["served"]])
    assert len(table(shop, f"SELECT 1 FROM models.gain_table WHERE model_id = '{name}'")) == 10
    assert ("model.json",) in table(shop, f"SELECT name FROM models.model_files WHERE model_id = '{name}'")
    assert table(shop, "SELECT target, effective_as_of, actor, reason FROM models.promotions ORDER BY promotion_id")[
        0
    ] == (
        "purchase",
        AS_OF,
        "gate",
        "the first model of this target",
    )


WRITTEN = {
    "tuning_trials": "trial, state, loss, trees, chosen, parameters::text",
    "thresholds": "rule, threshold, n, profit_per_customer",
    "training_findings": "position, severity, finding, statement",
    "evaluations": "contender, n, log_loss, log_loss_gain_low, ece_null95, served",
}


def test_what_a_training_found_is_on_record_once_and_the_same_again(shop, monkeypatch):
    monkeypatch.setattr(training_report, "render", reporting.render)  # with its charts
    name = train(shop)[0]["model_id"]

    def written() -> dict[str, list[tuple]]:
        query = "SELECT {} FROM models.{} WHERE model_id = '{}' ORDER BY 1"
        return {one: table(shop, query.format(columns, one, name)) for one, columns in WRITTEN.items()}

    first = written()
    assert [row[1] for row in first["tuning_trials"]] == ["complete", "complete"]
    assert sum(row[4] for row in first["tuning_trials"]) == 1
    assert [row[0] for row in first["thresholds"]] == ["best_profit", "over_65"]
    assert first["training_findings"]
    train(shop)
    assert written() == first
    assert [row[0] for row in table(shop, "SELECT model_id FROM models.reports")] == [name]
    assert "data:image" in table(shop, "SELECT html FROM models.reports")[0][0]


@pytest.fixture
def worse(monkeypatch):
    """Let every training end in a model that expects everybody to buy."""

    def train_badly(*arguments, **options):
        return expecting_everybody(core.train(*arguments, **options))

    return lambda: monkeypatch.setattr(train_models, "train", train_badly)


def test_every_decision_is_on_record_for_and_against(served, served_shop, worse):
    first = served[0]["model_id"]
    worse()
    second = train(served_shop)[0]["model_id"]
    decided = table(
        served_shop,
        "SELECT model_id, champion_id, accepted, promoted, checks ? 'gain' FROM models.decisions ORDER BY decision_id",
    )
    assert decided == [(first, None, True, True, False), (second, first, False, False, True)]


def test_with_approval_a_model_that_passes_waits_for_a_person(served, served_shop, config, monkeypatch):
    targets = config / "targets.yaml"
    targets.write_text(targets.read_text().replace("approval: false", "approval: true"))
    monkeypatch.setattr(train_models, "against_champion", lambda *_: Decision(True, "as good"))
    first = served[0]
    assert first["promoted"]  # what serves a shop without a champion need not wait
    second = train(served_shop)[0]
    assert (second["accepted"], second["promoted"], second["serving"]) == (True, False, first["model_id"])
    assert "waits for a person's approval" in second["reason"]


def test_a_planted_future_column_is_found_left_out_and_on_record(shop):
    before = train(shop, promote=False)[0]
    assert "views_28d" in table(shop, "SELECT card ->> 'columns' FROM models.model_versions")[0][0]
    with shop.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE features.customer_snapshot AS known SET views_28d = (SELECT count(*) FROM features.customer_day AS later"
                " WHERE later.customer_id = known.customer_id AND later.event_day >= known.as_of_date"
                " AND later.event_day < known.as_of_date + 7)"
            )
        )
    after = train(shop, promote=False)[0]
    assert after["model_id"] != before["model_id"]
    here = f"WHERE model_id = '{after['model_id']}'"
    assert "views_28d" not in table(shop, f"SELECT card ->> 'columns' FROM models.model_versions {here}")[0][0]
    found = table(
        shop, f"SELECT details ->> 'column', severity FROM models.training_findings {here} AND finding = 'leak'"
    )
    assert found == [("views_28d", "blocking")]


def test_a_second_run_gives_the_same_model_and_no_second_promotion(trained, trained_shop):
    counted = {name: f"SELECT count(*) FROM models.{name}" for name in ("model_versions", "model_files", "promotions")}
    first = trained[0]
    before = {name: table(trained_shop, query) for name, query in counted.items()}
    second = train(trained_shop)[0]
    assert second["model_id"] == first["model_id"]
    assert second["promoted"] is False
    assert second["serving"] == first["model_id"]
    assert second["reason"] == first["reason"] == "the first model of this target"
    assert {name: table(trained_shop, query) for name, query in counted.items()} == before
    written = "SELECT rows_deleted, rows_written FROM monitoring.write_audit WHERE table_name = 'models.model_files'"
    files = table(trained_shop, "SELECT count(*) FROM models.model_files")[0][0]
    assert table(trained_shop, f"{written} ORDER BY audit_id") == [(0, files), (files, files)]


def test_two_warehouses_with_the_same_data_get_the_same_model(trained, warehouse, config):
    open_shop(warehouse, purchases(DAYS), DAYS)
    assert train(warehouse)[0]["model_id"] == trained[0]["model_id"]


def test_the_next_weeks_challenger_is_compared_with_the_champion_on_its_own_test_rows(served, served_shop):
    first = served[0]
    second = train(served_shop)[0]
    assert second["model_id"] != first["model_id"]
    assert f"than the champion {first['model_id']} on {second['rows']['test']} rows" in second["reason"]
    assert second["promoted"] == second["accepted"]


def test_a_challenger_that_is_worse_is_registered_and_not_promoted(served, served_shop, worse):
    first = served[0]
    worse()
    second = train(served_shop)[0]
    assert (second["kind"], second["accepted"], second["promoted"]) == ("base_rate", False, False)
    assert "it is surely worse, and may be so by more than" in second["reason"]
    assert second["serving"] == first["model_id"]
    assert table(served_shop, "SELECT model_id FROM models.promotions") == [(first["model_id"],)]
    assert len(table(served_shop, "SELECT 1 FROM models.model_versions")) == 2


def test_without_promotion_a_model_is_registered_only(shop):
    summary = train(shop, promote=False)[0]
    assert (summary["accepted"], summary["promoted"], summary["serving"]) == (True, False, None)
    assert table(shop, "SELECT count(*) FROM models.promotions") == [(0,)]


def test_a_champion_whose_files_are_damaged_gives_way(served, served_shop):
    with served_shop.begin() as connection:
        connection.execute(sa.text("UPDATE models.model_files SET content = 'x' WHERE name = 'model.json'"))
    summary = train(served_shop)[0]
    assert summary["promoted"]
    assert "model.json" in summary["reason"]


def test_a_missing_day_is_named(shop):
    gone = FIRST_DAY + timedelta(days=41)
    with shop.begin() as connection:
        connection.execute(sa.text("DELETE FROM raw.ingest_batches WHERE batch_date = :day"), {"day": gone})
    with pytest.raises(NotReadyError, match=str(gone)):
        train(shop)
    assert table(shop, "SELECT count(*) FROM models.model_versions") == [(0,)]


def test_a_shop_of_three_days_gets_a_model_that_says_it_knows_little(warehouse, config):
    open_shop(warehouse, purchases(3), 3)
    summary = train(warehouse, FIRST_DAY + timedelta(days=3))[0]
    assert (summary["kind"], summary["confidence"], summary["promoted"]) == ("rfm", "low", True)
    assert "too young" in summary["why"]


def test_a_shop_without_an_event_is_not_ready(warehouse, config):
    open_shop(warehouse, pd.DataFrame({"customer_id": [], "event_day": []}), 5)
    with pytest.raises(NotReadyError, match="nothing to train on"):
        train(warehouse, FIRST_DAY + timedelta(days=5))


def test_a_target_that_is_not_configured_is_named(shop):
    with pytest.raises(ConfigurationError, match="purchase/8d"):
        train(shop, targets=[TargetKey(target="purchase", horizon_days=8)])


def test_training_answers_the_open_requests_of_its_target(shop):
    with shop.begin("score") as connection:
        asked = "INSERT INTO monitoring.retraining_requests (as_of_date, target, horizon_days, reason) VALUES "
        connection.execute(
            sa.text(f"{asked} (:day, 'purchase', 7, 'drift'), (:day, 'lapse', 7, 'drift')"), {"day": AS_OF}
        )
    name = train(shop)[0]["model_id"]
    assert table(shop, "SELECT target, fulfilled_by FROM monitoring.retraining_requests ORDER BY 1") == [
        ("lapse", None),
        ("purchase", name),
    ]


def test_what_arrives_later_changes_no_earlier_training(shop):
    before = train(shop, promote=False)[0]["model_id"]
    with shop.begin() as connection:
        connection.execute(
            sa.text(
                "CREATE TEMP TABLE late AS SELECT * FROM features.customer_day;"
                "UPDATE late SET event_day = event_day + 1, batch_date = :batch, source = 'late';"
                "INSERT INTO features.customer_day SELECT * FROM late"
            ),
            {"batch": AS_OF + timedelta(days=3)},
        )
        connection.execute(sa.text("DELETE FROM features.customer_snapshot"))
    assert train(shop, promote=False)[0]["model_id"] == before


def test_the_model_of_a_night_does_not_score_that_night(trained, trained_shop):
    name = trained[0]["model_id"]
    with trained_shop.begin("score") as connection:
        assert promotions.champion(connection, "purchase", 7, AS_OF) is None
        assert promotions.champion(connection, "purchase", 7, AS_OF + timedelta(days=1)) == name


def test_the_dates_of_the_parts_are_on_record(trained, trained_shop):
    name = trained[0]["model_id"]
    fit, calibration, test = table(
        trained_shop,
        f"SELECT fit_dates, calibration_dates, test_dates FROM models.model_versions WHERE model_id = '{name}'",
    )[0]
    assert test == [AS_OF - timedelta(days=7) - LATENESS]
    assert max(fit) + timedelta(days=7) <= min(calibration)
    assert all(isinstance(day, date) for day in fit)
