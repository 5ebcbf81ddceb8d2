"""From a snapshot to published scores against a real warehouse, with trained models."""

import json
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from customer_behavior import scoring, training
from customer_behavior.errors import CheckFailedError, NotReadyError
from customer_behavior.features import snapshot
from customer_behavior.settings import load_features
from customer_behavior.training import promotions, registry
from training.shops import FIRST_DAY, open_shop, purchases

DAYS = 120
D = FIRST_DAY + timedelta(days=DAYS)
TRAINED = D - timedelta(days=1)
SCORES = (
    "SELECT as_of_date, target, horizon_days, customer_id, probability, percentile, decile, reasons::text, model_id"
    " FROM models.scores ORDER BY target, horizon_days, customer_id"
)


@pytest.fixture
def shop(warehouse, config):
    """A shop with models promoted on the day before D, and the snapshot of D."""
    open_shop(warehouse, purchases(DAYS), DAYS)
    training.run(warehouse, TRAINED, promote=True, run_id=None)
    snapshot.build(warehouse, D)
    return warehouse


def stage(warehouse, buckets: int, token: str = "run", only: list[int] | None = None) -> None:
    for bucket in range(buckets) if only is None else only:
        scoring.score_bucket(warehouse, D, bucket=bucket, buckets=buckets, run_token=token, run_id="test")


def publish(warehouse, buckets: int, token: str = "run") -> dict:
    return scoring.publish(warehouse, D, run_token=token, buckets=buckets, run_id="test")


def frame(warehouse, query: str = SCORES) -> pd.DataFrame:
    with warehouse.begin() as connection:
        return pd.read_sql_query(sa.text(query), connection)


def test_scores_are_the_models_ranked_over_all_with_reasons(shop):
    assert scoring.plan_buckets(shop, D) == [0]
    stage(shop, 1)
    result = publish(shop, 1)
    scores = frame(shop).query("target == 'purchase'").reset_index(drop=True)
    assert result["rows"]["purchase/7d"] == len(scores) > 100

    with shop.begin("score") as connection:
        model = registry.load(connection, result["models"]["purchase/7d"])
        rows = pd.read_sql_query(
            sa.text("SELECT * FROM features.customer_snapshot WHERE as_of_date = :day ORDER BY customer_id"),
            connection,
            params={"day": D},
        )
    assert scores["customer_id"].tolist() == rows["customer_id"].tolist()
    expected, contributions = model.explain(rows)
    assert scores["probability"].to_numpy() == pytest.approx(expected, abs=1e-12)

    p = scores["probability"].to_numpy()
    assert scores["percentile"].to_numpy() == pytest.approx([100 * (p < one).mean() for one in p])
    assert scores.groupby("decile")["probability"].min().is_monotonic_decreasing
    assert scores["decile"].value_counts().between(len(scores) // 10, len(scores) // 10 + 1).all()

    names = list(load_features())
    for text, shares in zip(scores["reasons"], contributions, strict=True):
        reasons = json.loads(text)
        strongest = np.argsort(-np.abs(shares), kind="stable")[:3]
        assert [reason["feature"] for reason in reasons] == [names[n] for n in strongest if abs(shares[n]) >= 0.0005]
        assert all(abs(reason["effect"] - shares[names.index(reason["feature"])]) < 1e-4 for reason in reasons)
        assert all(reason["words"].endswith("raises" if reason["effect"] > 0 else "lowers") for reason in reasons)


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


def test_a_missing_bucket_publishes_nothing_and_the_last_scores_stay(shop):
    stage(shop, 1)
    publish(shop, 1)
    before = frame(shop)
    stage(shop, 3, "broken", only=[0, 2])
    with pytest.raises(CheckFailedError, match="bucket 2 of 3 has 0 staged rows"):
        publish(shop, 3, "broken")
    pd.testing.assert_frame_equal(frame(shop), before)
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
    training.run(warehouse, D, promote=True, run_id=None)
    snapshot.build(warehouse, D)
    for attempt in (
        lambda: scoring.plan_buckets(warehouse, D),
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
        scoring.plan_buckets(shop, D + timedelta(days=1))


def test_buckets_hold_at_most_about_their_size(shop, config):
    rows = len(frame(shop, f"SELECT 1 FROM features.customer_snapshot WHERE as_of_date = '{D}'"))
    targets = config / "targets.yaml"
    targets.write_text(targets.read_text().replace("bucket_rows: 50000", f"bucket_rows: {rows // 3}"))
    assert scoring.plan_buckets(shop, D) == [0, 1, 2, 3] if rows % 3 else [0, 1, 2]


def test_nobody_to_score_publishes_nothing(shop):
    with shop.begin() as connection:
        connection.execute(sa.text("UPDATE features.customer_snapshot SET days_since_purchase = NULL"))
    stage(shop, 1)
    with pytest.raises(CheckFailedError, match="nobody to score"):
        publish(shop, 1)


def test_a_base_rate_scores_everyone_alike_without_reasons(warehouse, config):
    open_shop(warehouse, purchases(4), 4)
    training.run(warehouse, FIRST_DAY + timedelta(days=3), promote=True, run_id=None)
    day = FIRST_DAY + timedelta(days=4)
    snapshot.build(warehouse, day)
    scoring.score_bucket(warehouse, day, bucket=0, buckets=1, run_token="t", run_id=None)
    scoring.publish(warehouse, day, run_token="t", buckets=1, run_id=None)
    scores = frame(warehouse).query("target == 'purchase'")
    assert scores["probability"].nunique() == 1
    assert set(scores["reasons"]) == {"[]"}
    assert set(scores["percentile"]) == {0.0}
