"""From a snapshot to published scores against a real warehouse."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from customer_behavior.errors import CheckFailedError, NotReadyError
from customer_behavior.features import snapshot
from customer_behavior.models import BaseRate, promotions, registry
from customer_behavior.settings import load_settings
from customer_behavior.stages import score_customers
from scoring.serving import LEVELS, plain_reasons, serve, snapshot_rows, trees
from support.rollup_shop import FIRST_DAY, open_shop, purchases

DAYS = 120
D = FIRST_DAY + timedelta(days=DAYS)
TRAINED = D - timedelta(days=1)
SCORES = (
    "SELECT as_of_date, target, horizon_days, customer_id, probability, amount, percentile, decile, reasons::text, model_id"
    " FROM models.scores ORDER BY target, horizon_days, customer_id"
)
ATTRIBUTES = """
    UPDATE features.customer_snapshot SET
        country = (ARRAY['DE', 'FR', NULL])[1 + abs(hashtext(customer_id)) % 3],
        device = CASE WHEN hashtext(customer_id || 'device') % 2 = 0 THEN 'a "quoted" phone' ELSE 'app' END
"""
TAKEN = (
    "SELECT mod(mod(hashtextextended(customer_id, 0), :buckets) + :buckets, :buckets) FROM features.customer_snapshot"
)


@pytest.fixture
def shop(warehouse, config):
    """A shop with models promoted on the day before D, and the snapshot of D."""
    open_shop(warehouse, purchases(DAYS), DAYS)
    snapshot.build(warehouse, load_settings(), D)
    with warehouse.begin() as connection:
        connection.execute(sa.text(ATTRIBUTES))
    rows = snapshot_rows(warehouse, D)
    serve(warehouse, "purchase", 7, trees(rows, levels=LEVELS), TRAINED)
    serve(warehouse, "lapse", 28, trees(rows), TRAINED)
    serve(warehouse, "value", 30, trees(rows, "reg:tweedie"), TRAINED)
    serve(warehouse, "conversion", 1, BaseRate(0.1), TRAINED)
    return warehouse


def stage(warehouse, buckets: int, token: str = "run", only: list[int] | None = None) -> None:
    for bucket in range(buckets) if only is None else only:
        score_customers.score_bucket(warehouse, D, bucket=bucket, buckets=buckets, run_token=token, run_id="test")


def publish(warehouse, buckets: int, token: str = "run") -> dict:
    return score_customers.publish_scores(warehouse, D, run_token=token, buckets=buckets, run_id="test")


def frame(warehouse, query: str = SCORES) -> pd.DataFrame:
    with warehouse.begin() as connection:
        return pd.read_sql_query(sa.text(query), connection)


@pytest.mark.parametrize(("target", "kind"), [("purchase", "probability"), ("value", "amount")])
def test_scores_are_the_models_ranked_over_all_with_reasons(shop, target, kind):
    assert score_customers.plan_buckets(shop, D) == [0]
    stage(shop, 1)
    result = publish(shop, 1)
    key = {"purchase": "purchase/7d", "value": "value/30d"}[target]
    scores = frame(shop).query("target == @target").reset_index(drop=True)
    assert result["rows"][key] == len(scores) > 100
    assert scores[{"probability": "amount", "amount": "probability"}[kind]].isna().all()

    with shop.begin("score") as connection:
        model = registry.load(connection, result["models"][key])
    rows = snapshot_rows(shop, D)
    assert scores["customer_id"].tolist() == rows["customer_id"].tolist()
    expected, contributions = model.explain(rows)
    p = scores[kind].to_numpy(dtype=float)
    assert p == pytest.approx(expected, abs=1e-12)

    assert scores["percentile"].to_numpy() == pytest.approx([100 * (p < one).mean() for one in p])
    assert scores.groupby("decile")[kind].min().is_monotonic_decreasing
    each, larger = divmod(len(scores), 10)
    tenths = [tenth for tenth in range(1, 11) for _ in range(each + (tenth <= larger))]
    assert sorted(scores["decile"]) == tenths

    for (_, row), shares, text in zip(rows.iterrows(), contributions, scores["reasons"], strict=True):
        said = json.loads(text)
        assert said == plain_reasons(row, shares, model.features)
    if target == "purchase":
        said = {reason["words"] for text in scores["reasons"] for reason in json.loads(text)}
        assert 'last came by a "quoted" phone: raises' in said


def test_what_is_staged_is_counted_before_ranks_are_planned(shop):
    """Without statistics PostgreSQL expects one row, and may look through all ranks for each of a million."""
    stage(shop, 1)
    publish(shop, 1)
    counted = "SELECT analyze_count FROM pg_stat_user_tables WHERE schemaname = 'models' AND relname = 'score_staging'"
    assert frame(shop, counted)["analyze_count"].item() == 1


def test_targets_of_sessions_are_not_scored_for_customers(shop):
    stage(shop, 1)
    assert publish(shop, 1)["rows"].keys() == {"purchase/7d", "lapse/28d", "value/30d"}


def test_each_target_scores_its_own_population(shop):
    stage(shop, 3)
    publish(shop, 3)
    rows, scores = snapshot_rows(shop, D), frame(shop)
    for target, days in (("purchase", 180), ("lapse", 28)):
        expected = rows.loc[rows["days_since_purchase"] <= days, "customer_id"].tolist()
        assert scores.loc[scores["target"] == target, "customer_id"].tolist() == expected
    assert len(scores.query("target == 'lapse'")) < len(scores.query("target == 'purchase'"))


def test_a_bucket_may_be_empty(shop):
    buckets = 3 * len(snapshot_rows(shop, D))
    with shop.begin() as connection:
        taken = connection.execute(sa.text(TAKEN), {"buckets": buckets}).scalars().all()
    empty = next(bucket for bucket in range(buckets) if bucket not in taken)
    staged = score_customers.score_bucket(shop, D, bucket=empty, buckets=buckets, run_token="run", run_id=None)
    assert staged["rows"] == {"purchase/7d": 0, "lapse/28d": 0, "value/30d": 0}


def test_customers_with_odd_names_are_scored(shop):
    odd = ['a "b", c', "line\nbreak", "NULL", "50 % off", "ключ", "back\\slash"]
    with shop.begin() as connection:
        for number, name in enumerate(odd):
            connection.execute(
                sa.text(
                    "UPDATE features.customer_snapshot SET customer_id = :name WHERE customer_id ="
                    " (SELECT customer_id FROM features.customer_snapshot ORDER BY customer_id OFFSET :n LIMIT 1)"
                ),
                {"name": name, "n": 10 * number + 20},
            )
    stage(shop, 2)
    publish(shop, 2)
    assert set(odd) <= set(frame(shop).query("target == 'purchase'")["customer_id"])


def test_a_column_that_is_gone_is_named(shop):
    with shop.begin() as connection:
        connection.execute(sa.text("ALTER TABLE features.customer_snapshot DROP COLUMN tenure_days"))
    with pytest.raises(CheckFailedError, match=r"purchase/7d as of .*tenure_days"):
        stage(shop, 1)


def test_predictions_that_are_not_numbers_are_not_staged(shop):
    serve(shop, "purchase", 7, BaseRate(float("nan")), TRAINED)
    with pytest.raises(CheckFailedError, match="predictions are not numbers"):
        stage(shop, 1)


def test_again_and_in_other_buckets_the_rows_are_equal(shop):
    stage(shop, 1, "first")
    publish(shop, 1, "first")
    first = frame(shop)
    stage(shop, 4, "second")
    stage(shop, 4, "second", only=[2])  # a task that is tried again
    publish(shop, 4, "second")
    pd.testing.assert_frame_equal(frame(shop), first)
    audits = (
        "SELECT rows_deleted, rows_written FROM monitoring.write_audit WHERE table_name = 'models.scores' ORDER BY 1"
    )
    assert frame(shop, audits).to_numpy().tolist() == [[0, len(first)], [len(first), len(first)]]
    assert frame(shop, "SELECT 1 FROM models.score_staging").empty


@pytest.fixture
def two_days(shop):
    """The shop with published scores of D and of the day before it."""
    before = D - timedelta(days=1)
    serve(shop, "purchase", 7, BaseRate(0.1), before - timedelta(days=1))
    snapshot.build(shop, load_settings(), before)
    for day in (before, D):
        stage_day(shop, day)
        publish_day(shop, day)
    return before, D


def stage_day(warehouse, day: date) -> None:
    score_customers.score_bucket(warehouse, day, bucket=0, buckets=1, run_token=f"run {day}", run_id=None)


def publish_day(warehouse, day: date) -> int:
    """Publish what the day's own run staged; return how many were scored for the primary target."""
    return score_customers.publish_scores(warehouse, day, run_token=f"run {day}", buckets=1, run_id=None)["rows"][
        "purchase/7d"
    ]


def test_a_new_date_and_an_old_one_are_published_while_others_read(shop, two_days):
    new, old = two_days
    for day in two_days:
        stage_day(shop, day)
    count = sa.text("SELECT count(*) FROM models.scores WHERE as_of_date = :day")
    with shop.begin() as connection:
        connection.execute(sa.text(f"DROP TABLE models.scores_{new:%Y%m%d}"))
    with ThreadPoolExecutor(1) as runs, shop.begin() as reader:
        before = reader.execute(count, {"day": old}).scalar_one()  # holds its lock until it ends
        for day in two_days:
            assert runs.submit(publish_day, shop, day).result(timeout=60) > 100
        assert reader.execute(count, {"day": old}).scalar_one() == before
    assert set(frame(shop)["as_of_date"]) == {new, old}


def test_two_dates_scored_again_at_once_are_both_published(shop, two_days):
    for day in two_days:
        stage_day(shop, day)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(2) as runs, shop.begin() as held:
        held.execute(sa.text("LOCK TABLE models.score_staging IN SHARE MODE"))  # both have begun before one can go on
        again = [runs.submit(publish_day, shop, day) for day in two_days]
        deadline = time.monotonic() + 60
        while frame(shop, waiting)["count"].item() < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        held.rollback()
        assert all(one.result(timeout=60) > 100 for one in again)


def test_a_missing_bucket_publishes_nothing_and_the_last_scores_stay(shop):
    stage(shop, 1)
    publish(shop, 1)
    before = frame(shop)
    stage(shop, 3, "broken", only=[0, 2])
    with pytest.raises(CheckFailedError, match="bucket 2 of 3 has 0 staged rows"):
        publish(shop, 3, "broken")
    pd.testing.assert_frame_equal(frame(shop), before)
    tables = frame(shop, r"SELECT tablename FROM pg_tables WHERE schemaname = 'models' AND tablename LIKE 'scores\_%'")
    assert tables["tablename"].tolist() == [f"scores_{D:%Y%m%d}"]
    stage(shop, 3, "broken", only=[1])
    publish(shop, 3, "broken")
    pd.testing.assert_frame_equal(frame(shop), before)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM models.score_staging WHERE customer_id = (SELECT min(customer_id) FROM models.score_staging)",
        "UPDATE models.score_staging SET customer_id = 'somebody else'"
        " WHERE customer_id = (SELECT min(customer_id) FROM models.score_staging)",
        "INSERT INTO models.score_staging SELECT * FROM models.score_staging LIMIT 1",
    ],
)
def test_staged_rows_that_are_not_the_population_publish_nothing(shop, damage):
    stage(shop, 2)
    with shop.begin() as connection:
        connection.execute(sa.text(damage))
    with pytest.raises(CheckFailedError, match="nothing was published"):
        publish(shop, 2)
    assert frame(shop).empty


@pytest.mark.parametrize("also_the_hash", [False, True])
def test_a_damaged_model_file_is_named_and_the_last_scores_stay(shop, also_the_hash):
    stage(shop, 1)
    publish(shop, 1)
    before = frame(shop)
    change = "content = 'not the model'" + (
        ", sha256 = encode(sha256('not the model'), 'hex')" if also_the_hash else ""
    )
    with shop.begin() as connection:
        connection.execute(sa.text(f"UPDATE models.model_files SET {change} WHERE name = 'booster.ubj'"))
    name = before.query("target == 'purchase'")["model_id"].iloc[0]
    says = (
        rf"booster\.ubj.* of model {name} are not"
        if also_the_hash
        else rf"file booster\.ubj of model {name} is damaged"
    )
    with pytest.raises(CheckFailedError, match=says):
        stage(shop, 1, "again")
    pd.testing.assert_frame_equal(frame(shop), before)


def test_a_model_promoted_on_the_date_itself_does_not_score_it(warehouse, config):
    open_shop(warehouse, purchases(DAYS), DAYS)
    snapshot.build(warehouse, load_settings(), D)
    serve(warehouse, "purchase", 7, BaseRate(0.1), D)
    for attempt in (
        lambda: score_customers.plan_buckets(warehouse, D),
        lambda: stage(warehouse, 1),
        lambda: publish(warehouse, 1),
    ):
        with pytest.raises(NotReadyError, match="run train_models for an earlier date"):
            attempt()


def test_a_promotion_between_scoring_and_publishing_stops_it(shop):
    stage(shop, 1)
    other = frame(shop, "SELECT model_id FROM models.promotions WHERE target = 'lapse'")["model_id"].iloc[0]
    with shop.begin("train") as connection:
        promotions.promote(connection, "purchase", 7, other, TRAINED, reason="as tested", actor="test")
    with pytest.raises(CheckFailedError, match="a promotion came in between"):
        publish(shop, 1)


def test_a_date_without_a_snapshot_says_so(shop):
    with pytest.raises(NotReadyError, match="build the snapshot first"):
        score_customers.plan_buckets(shop, D + timedelta(days=1))


def test_buckets_hold_at_most_about_their_size(shop, config):
    rows = len(frame(shop, f"SELECT 1 FROM features.customer_snapshot WHERE as_of_date = '{D}'"))
    targets = config / "targets.yaml"
    targets.write_text(targets.read_text().replace("bucket_rows: 50000", f"bucket_rows: {rows // 3}"))
    assert score_customers.plan_buckets(shop, D) == [0, 1, 2, 3] if rows % 3 else [0, 1, 2]


def test_nobody_to_score_publishes_nothing(shop):
    with shop.begin() as connection:
        connection.execute(sa.text("UPDATE features.customer_snapshot SET days_since_purchase = NULL"))
    stage(shop, 1)
    with pytest.raises(CheckFailedError, match="nobody to score"):
        publish(shop, 1)


def test_a_base_rate_scores_everyone_alike_without_reasons(warehouse, config):
    open_shop(warehouse, purchases(4), 4)
    day = FIRST_DAY + timedelta(days=4)
    serve(warehouse, "purchase", 7, BaseRate(0.1), day - timedelta(days=1))
    snapshot.build(warehouse, load_settings(), day)
    score_customers.score_bucket(warehouse, day, bucket=0, buckets=1, run_token="t", run_id=None)
    score_customers.publish_scores(warehouse, day, run_token="t", buckets=1, run_id=None)
    scores = frame(warehouse).query("target == 'purchase'")
    assert scores["probability"].nunique() == 1
    assert set(scores["reasons"]) == {"[]"}
    assert set(scores["percentile"]) == {0.0}
