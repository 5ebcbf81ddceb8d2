"""Publishing: every column true, all or nothing, the same twice, and marketing sees its schema alone."""

import json
from datetime import date

import pytest
import sqlalchemy as sa

from customer_behavior.errors import CheckFailedError, NotReadyError, WarehouseError
from customer_behavior.recommend.actions.rules import held_out
from customer_behavior.stages import publish_marketing, recommend
from support.mornings import (
    D,
    days,
    execute,
    hours,
    query,
    without,
    write_events,
    write_model,
    write_rollup,
    write_scores,
    write_snapshot,
)

CUSTOMERS = "SELECT * FROM marketing.customer_scores ORDER BY as_of_date, customer_id"
TABLES = (
    "marketing.customer_scores",
    "marketing.target_scores",
    "marketing.insights",
    "marketing.status",
)
NAMES = [f"c{n:02d}" for n in range(20)]
QUIET = {"cycle_position": 1, "categories_per_day_90d": 9, "orders_lifetime": 9, "tenure_days": 300}


def everything(warehouse):
    return {
        table: sorted(without(query(warehouse, f"SELECT * FROM {table}"), "published_at"), key=str) for table in TABLES
    }


@pytest.fixture
def morning(warehouse):
    """Twenty customers, c00 the likeliest to buy and c19 the least, with recommendations."""
    write_model(warehouse)
    write_snapshot(warehouse, D, {who: {**QUIET, "order_value_90d": 20.0} for who in NAMES})
    write_scores(warehouse, D, {who: 0.95 - 0.04 * n for n, who in enumerate(NAMES)})
    write_scores(warehouse, D, {"c00": 0.25}, target="lapse", horizon_days=28)
    write_events(
        warehouse,
        [
            {"customer_id": "c00", "product_id": "milk", "event_day": D - days(2), "price": 1.5},
            {"customer_id": "c00", "product_id": "milk", "event_day": D - days(9), "price": 2.5},
            {"customer_id": "c00", "product_id": "tea", "event_day": D - days(9), "price": 4.0},
            {"customer_id": "c00", "product_id": "sofa", "event_day": D - days(91), "price": 900.0},
            {"customer_id": "c00", "product_id": "late", "event_day": D - days(1), "price": 50.0, "batch_date": D},
        ],
    )
    write_rollup(
        warehouse,
        [
            {"customer_id": "c00", "event_day": D - days(2), "purchase_hours": hours(17, 17, 17, 18, 18, 18, 18)},
            {"customer_id": "c00", "event_day": D - days(28), "purchase_hours": hours(9, 9, 19)},
            {"customer_id": "c00", "event_day": D - days(29), "purchase_hours": hours(*[3] * 99)},
        ],
    )
    recommend.products(warehouse, D)
    recommend.actions(warehouse, D)
    return warehouse


def test_a_customer_in_full(morning):
    publish_marketing.publish(morning, D, run_id="r")
    first = query(morning, CUSTOMERS)[0]
    assert first.pop("published_at") is not None
    assert first == {
        "customer_id": "c00",
        "as_of_date": D,
        "horizon_days": 7,
        "purchase_probability": 0.95,
        "percentile": 95.0,
        "decile": 1,
        "tier": "high",
        "lapse_probability": 0.25,
        "expected_value": pytest.approx(19.0),
        "reasons": ["4 orders in the last 28 days: raises"],
        "recommended_products": ["milk", "tea", "sofa"],
        "recommended_action": "none",
        "action_reason": "no action fits",
        "best_hour": None,
        "best_weekday": None,
        "price_point": 2.5,  # the median of 1.5, 2.5 and 4; the sofa is too long ago, the last one came too late
        "segment": "occasional",
        "reliable": True,
        "unreliable_reason": None,
        "consent": None,
        "suppressed_reason": None,
        "holdout_actions": [],
        "model_version": "m1",
    }


def test_tiers_and_what_is_missing(morning):
    result = publish_marketing.publish(morning, D)
    rows = query(morning, CUSTOMERS)
    assert [row["tier"] for row in rows] == ["high"] * 4 + ["medium"] * 8 + ["low"] * 8
    last = rows[-1]
    assert (last["lapse_probability"], last["price_point"], last["recommended_products"]) == (None, None, [])
    assert result["customers"] == 20
    (status,) = query(morning, "SELECT * FROM marketing.status")
    assert without([status], "published_at", "made_from") == [
        {"as_of_date": D, "ready": True, "customers": 20, "model_version": "m1", "model_trained_as_of": D - days(30),
         "model_auc": 0.8, "warnings": [], "suppressed": 0, "consent_missing": 20, "consent_unreadable": 0,
         "consent_rule": status["consent_rule"]}
    ]  # fmt: skip
    assert status["consent_rule"].startswith("consent is not managed here")
    targets = query(
        morning, "SELECT target, horizon_days, count(*) AS n FROM marketing.target_scores GROUP BY 1, 2 ORDER BY 1"
    )
    assert targets == [
        {"target": "lapse", "horizon_days": 28, "n": 1},
        {"target": "purchase", "horizon_days": 7, "n": 20},
    ]


def test_someone_held_out_is_left_alone_and_marked(warehouse):
    write_model(warehouse)
    names = [f"c{n:03d}" for n in range(60)]
    write_snapshot(warehouse, D, dict.fromkeys(names, QUIET))
    write_scores(warehouse, D, dict.fromkeys(names, 0.3))
    write_scores(warehouse, D, dict.fromkeys(names, 0.75), target="lapse", horizon_days=28)
    recommend.products(warehouse, D)
    recommend.actions(warehouse, D)
    publish_marketing.publish(warehouse, D)
    out = [who for who in names if held_out(who, "win_back", 0.1)]
    rows = {row["customer_id"]: row for row in query(warehouse, CUSTOMERS)}
    assert 0 < len(out) < 30
    for who, row in rows.items():
        action, held = ("none", ["win_back"]) if who in out else ("win_back", [])
        reason = "likely to leave (75%) after 9 orders"
        if who in out:
            reason = f"held out to measure win_back: {reason}"
        assert (row["recommended_action"], row["holdout_actions"], row["action_reason"]) == (action, held, reason)


SEGMENTS: list[tuple[str, dict[str, float | None]]] = [
    ("new", {"tenure_days": 28, "days_since_purchase": 1, "purchase_days_28d": 9}),
    ("lost", {"tenure_days": 300, "days_since_purchase": None}),
    ("lost", {"tenure_days": 300, "days_since_purchase": 91, "gap_mean_days": 60.0}),
    ("slipping", {"tenure_days": 300, "days_since_purchase": 15, "gap_mean_days": 3.0, "purchase_days_28d": 4}),
    ("slipping", {"tenure_days": 300, "days_since_purchase": 15, "gap_mean_days": None}),
    ("occasional", {"tenure_days": 300, "days_since_purchase": 60, "gap_mean_days": 30.0, "purchase_days_28d": 0}),
    ("regular", {"tenure_days": 300, "days_since_purchase": 14, "gap_mean_days": 3.0, "purchase_days_28d": 4}),
    ("occasional", {"tenure_days": 29, "days_since_purchase": 1, "gap_mean_days": 3.0, "purchase_days_28d": 3}),
]


def test_segments(warehouse):
    write_model(warehouse)
    write_snapshot(warehouse, D, {f"c{n}": {**QUIET, **values} for n, (_, values) in enumerate(SEGMENTS)})
    write_scores(warehouse, D, {f"c{n}": 0.5 for n in range(len(SEGMENTS))})
    recommend.actions(warehouse, D)
    publish_marketing.publish(warehouse, D)
    assert [row["segment"] for row in query(warehouse, CUSTOMERS)] == [segment for segment, _ in SEGMENTS]


def test_insights_stand_on_what_was_known(morning):
    publish_marketing.publish(morning, D)
    found = {row["insight"]: row for row in query(morning, "SELECT * FROM marketing.insights")}
    assert found["price_threshold"]["statement"] == (
        "No price threshold was found: the source shows no visits that end without a purchase"
    )
    assert found["peak_hours"]["details"]["of"] == "orders"
    assert found["peak_hours"]["details"]["visits"] == 109  # of 90 days
    assert found["peak_hours"]["statement"] == (
        "No peak hours were found in 109 orders of 29 days: too few days to say: 3, and 7 are needed"
    )
    assert found["calibration"]["details"]["source"] == "report of the training"
    judge(morning, scored=D - days(9), judged=D - days(1))
    judge(morning, scored=D - days(7), judged=D)  # judged on the morning itself: not known before it
    publish_marketing.publish(morning, D)
    (row,) = query(morning, "SELECT * FROM marketing.insights WHERE insight = 'calibration'")
    assert row["statement"] == (
        "Of the 500 customers scored on 2024-03-01, 60.0% were expected to buy within 7 days and 51.0% did; a probability was "
        "9.0% off on average"
    )


def judge(warehouse, scored, judged, ece=0.09):
    execute(
        warehouse,
        "INSERT INTO monitoring.model_performance (scored_as_of, target, horizon_days, judged_as_of, model_id, n, base_rate,"
        " mean_predicted, brier, log_loss, ece) VALUES (:scored, 'purchase', 7, :judged, 'm1', 500, 0.51, 0.6, 0.2, 0.5, :ece)",
        scored=scored,
        judged=judged,
        ece=ece,
    )


def confirm(warehouse, judged, rule, description="few orders", confirmed=True, target="purchase"):
    execute(
        warehouse,
        "INSERT INTO monitoring.error_clusters (scored_as_of, target, horizon_days, cluster, judged_as_of, description, rule, n,"
        " share, mean_predicted, realised, log_loss, log_loss_rest, p_value, confirmed) VALUES (:scored, :target, 7, 1, :judged,"
        " :description, cast(:rule AS jsonb), 5, 0.1, 0.5, 0.1, 0.9, 0.4, 0.001, :confirmed)",
        scored=judged - days(7),
        judged=judged,
        rule=json.dumps(rule),
        description=description,
        confirmed=confirmed,
        target=target,
    )


RULE = [
    {"feature": "orders_28d", "op": "<=", "value": 2.5},
    {"feature": "gap_mean_days", "op": "is missing", "value": None},
]


def test_customers_in_a_segment_confirmed_before_are_not_reliable(warehouse):
    write_model(warehouse)
    write_snapshot(
        warehouse,
        D,
        {
            "in": {**QUIET, "orders_28d": 2, "gap_mean_days": None},
            "many": {**QUIET, "orders_28d": 3, "gap_mean_days": None},
            "rhythm": {**QUIET, "orders_28d": 2, "gap_mean_days": 9.0},
        },
    )
    write_scores(warehouse, D, {"in": 0.5, "many": 0.5, "rhythm": 0.5})
    recommend.actions(warehouse, D)
    everybody = [{"feature": "orders_28d", "op": ">", "value": 0}]
    confirm(warehouse, D - days(1), RULE)
    confirm(warehouse, D, everybody, "confirmed on the day itself")
    confirm(warehouse, D - days(2), everybody, "not confirmed", confirmed=False)
    confirm(warehouse, D - days(29), everybody, "long mended")
    confirm(warehouse, D - days(3), everybody, "another target", target="lapse")
    result = publish_marketing.publish(warehouse, D)
    rows = {row["customer_id"]: (row["reliable"], row["unreliable_reason"]) for row in query(warehouse, CUSTOMERS)}
    assert rows == {"in": (False, "few orders"), "many": (True, None), "rhythm": (True, None)}
    assert result["warnings"] == [
        "1 customers are in a segment a model was wrong about (reliable is false): few orders"
    ]


def test_status_warns_of_drift_of_bad_probabilities_and_of_a_model_that_is_none(warehouse):
    write_model(warehouse, why="40 rows to fit")
    write_snapshot(warehouse, D, {"ann": QUIET})
    write_scores(warehouse, D, {"ann": 0.5})
    recommend.actions(warehouse, D)
    judge(warehouse, D - days(9), D - days(1))
    for day, drifted in ((D - days(1), True), (D, False)):
        execute(
            warehouse,
            "INSERT INTO monitoring.drift_runs (as_of_date, reference_as_of, reference_rows, current_rows, features,"
            " features_drifted, share_drifted, limit_share, drifted) VALUES (:day, '2024-01-01', 9, 9, 29, 12, 0.4, 0.3, :drifted)",
            day=day,
            drifted=drifted,
        )
    publish_marketing.publish(warehouse, D)
    (status,) = query(warehouse, "SELECT warnings FROM marketing.status")
    assert status["warnings"] == [
        "customers have moved away from those the model learned from: 12 of 29 features on 2024-03-09, compared with 2024-01-01",
        "probabilities of 2024-03-01 turned out 9.0% off on average: 60.0% predicted, 51.0% came true",
        "no model could be made (40 rows to fit): probabilities are those of classes of recency and frequency, confidence is low",
    ]


def test_status_says_that_a_model_was_judged_on_customers_held_out(warehouse):
    write_model(warehouse, why="the history is too young: judged on customers held out", confidence="medium")
    write_snapshot(warehouse, D, {"ann": QUIET})
    write_scores(warehouse, D, {"ann": 0.5})
    recommend.actions(warehouse, D)
    publish_marketing.publish(warehouse, D)
    (status,) = query(warehouse, "SELECT warnings FROM marketing.status")
    assert status["warnings"] == ["confidence is medium, as the history is too young: judged on customers held out"]


def test_a_second_run_writes_again_and_the_same(morning):
    publish_marketing.publish(morning, D)
    first = everything(morning)
    publish_marketing.publish(morning, D, run_id="second")
    assert everything(morning) == first
    written = query(
        morning, "SELECT table_name, rows_deleted, rows_written FROM monitoring.write_audit WHERE run_id = 'second'"
    )
    assert {row["table_name"]: (row["rows_deleted"], row["rows_written"]) for row in written} == {
        "marketing.customer_scores": (20, 20),
        "marketing.target_scores": (21, 21),
        "marketing.insights": (3, 3),
        "marketing.status": (1, 1),
    }


BROKEN = [
    ("UPDATE models.scores SET probability = 1.2 WHERE customer_id = 'c03' AND target = 'purchase'", "1 purchase probabilities"),
    ("UPDATE models.scores SET probability = 'NaN' WHERE customer_id = 'c03' AND target = 'purchase'", "1 purchase prob"),
    ("UPDATE models.scores SET probability = -0.1 WHERE target = 'lapse'", "1 lapse probabilities"),
    ("UPDATE models.scores SET decile = 2 WHERE decile = 1 AND target = 'purchase'", "deciles of purchase/7d are 9 from 2 to 10"),
    ("UPDATE models.scores SET model_id = 'm2' WHERE customer_id = 'c03'", "scores are of 2 models"),
    ("UPDATE models.scores SET model_id = 'm2'", "20 scores are of a model that models.model_versions does not have"),
    ("UPDATE models.scores SET reasons = '[{\"effect\": 1}]' WHERE customer_id = 'c03'", "1 customers have a reason without"),
    ("DELETE FROM models.scores WHERE customer_id = 'c03'", "20 rows for 19 scored customers"),
    ("DELETE FROM features.customer_snapshot WHERE customer_id = 'c03'", "1 customers have no snapshot"),
    ("DELETE FROM marketing.action_recommendations WHERE customer_id = 'c03'", "1 scored customers have no row"),
    ("DELETE FROM marketing.product_recommendations", "product_recommendations has no rows"),
]  # fmt: skip


@pytest.mark.parametrize(("harm", "message"), BROKEN)
def test_a_failing_check_leaves_marketing_as_it_was(morning, harm, message):
    publish_marketing.publish(morning, D)
    before = everything(morning)
    execute(morning, harm)
    with pytest.raises(CheckFailedError, match=message):
        publish_marketing.publish(morning, D)
    assert everything(morning) == before


def test_without_scores_or_recommendations_it_names_what_to_run(warehouse):
    write_model(warehouse)
    with pytest.raises(NotReadyError, match="run score_customers for as-of date 2024-03-10"):
        publish_marketing.publish(warehouse, D)
    write_snapshot(warehouse, D, {"ann": QUIET})
    write_scores(warehouse, D, {"ann": 0.5})
    with pytest.raises(NotReadyError, match="run recommend for as-of date 2024-03-10"):
        publish_marketing.publish(warehouse, D)


def test_the_latest_view_shows_the_newest_ready_morning(morning):
    publish_marketing.publish(morning, D)
    write_snapshot(morning, D + days(1), dict.fromkeys(NAMES[:12], QUIET))
    write_scores(morning, D + days(1), dict.fromkeys(NAMES[:12], 0.5))
    recommend.products(morning, D + days(1))
    recommend.actions(morning, D + days(1))
    assert latest(morning) == [(D, 20)]
    publish_marketing.publish(morning, D + days(1))
    assert latest(morning) == [(D + days(1), 12)]


def latest(warehouse) -> list[tuple[date, int]]:
    rows = query(warehouse, "SELECT as_of_date, count(*) AS n FROM marketing.customer_scores_latest GROUP BY 1")
    return [(row["as_of_date"], row["n"]) for row in rows]


def test_marketing_reads_its_schema_and_nothing_else(morning):
    publish_marketing.publish(morning, D)
    tables = query(
        morning,
        "SELECT table_schema || '.' || table_name AS name FROM information_schema.tables"
        " WHERE table_schema IN ('raw', 'features', 'models', 'marketing', 'monitoring')",
    )
    readable = set()
    for name in {row["name"] for row in tables}:
        try:
            with morning.begin("marketing_reader") as connection:
                connection.execute(sa.text(f"SELECT * FROM {name} LIMIT 1"))
            readable.add(name)
        except WarehouseError as error:
            assert "permission denied" in str(error)
    contract = {
        f"marketing.{name}"
        for name in ("customer_scores", "customer_scores_latest", "target_scores", "product_recommendations",
                     "action_recommendations", "insights", "audience_members", "audience_lift", "status",
                     "suppression_now", "status_now")
    }  # fmt: skip
    assert readable == contract
    with (
        pytest.raises(WarehouseError, match="permission denied"),
        morning.begin("marketing_reader") as connection,
    ):
        connection.execute(sa.text("DELETE FROM marketing.status"))
