"""Matured scores: which are due, and set against what happened."""

import math

import numpy as np
import pandas as pd
import pytest

from customer_behavior.monitoring.error_segments.segment_rules import matches, rule_from_json
from customer_behavior.monitoring.performance.matured import performance_of
from customer_behavior.stages import monitor_models
from support import small_shop
from support.mornings import D, days, query, without, write_model, write_rollup, write_scores, write_snapshot

PERFORMANCE = "SELECT * FROM monitoring.model_performance ORDER BY scored_as_of, target"
CLUSTERS = "SELECT * FROM monitoring.error_clusters ORDER BY scored_as_of, target, cluster"


def test_the_measures_by_hand():
    label, probability = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.8, 0.4, 0.4, 0.2])
    found = performance_of(label, probability)
    assert found == {
        "n": 4,
        "base_rate": 0.5,
        "mean_predicted": pytest.approx(0.45),
        "auc": pytest.approx(3.5 / 4),  # of the four pairs three are in order and one is tied
        "brier": pytest.approx((0.04 + 0.16 + 0.36 + 0.04) / 4),
        "log_loss": pytest.approx(-(math.log(0.8) + math.log(0.6) + math.log(0.4) + math.log(0.8)) / 4),
        "ece": pytest.approx((0.2 + abs(0.4 - 0.6) + 0.2) / 4),
    }


def test_scores_are_judged_when_their_days_are_over_and_not_before(warehouse):
    write_model(warehouse)
    write_snapshot(warehouse, D, {"ann": {}, "bob": {}, "eve": {}})
    write_scores(warehouse, D, {"ann": 0.8, "bob": 0.4, "eve": 0.3})
    write_rollup(
        warehouse,
        [
            {"customer_id": "ann", "event_day": D + days(6)},
            {"customer_id": "bob", "event_day": D + days(7)},  # one day too late for the horizon
            {"customer_id": "eve", "event_day": D + days(1), "batch_date": D + days(7)},  # landed too late to be known
        ],
    )
    assert monitor_models.judge_matured(warehouse, D + days(6))["judged"] == []
    result = monitor_models.judge_matured(warehouse, D + days(7), run_id="r")
    (row,) = without(query(warehouse, PERFORMANCE), "measured_at")
    assert row == {
        "scored_as_of": D, "target": "purchase", "horizon_days": 7, "judged_as_of": D + days(7), "model_id": "m1", "n": 3,
        "base_rate": pytest.approx(1 / 3), "mean_predicted": pytest.approx(0.5), "auc": 1.0,
        "brier": pytest.approx((0.04 + 0.16 + 0.09) / 3),
        "log_loss": pytest.approx(-(math.log(0.8) + math.log(0.6) + math.log(0.7)) / 3),
        "ece": pytest.approx(0.3),
    }  # fmt: skip
    assert result["judged"] == [
        {
            "scored_as_of": "2024-03-10",
            "target": "purchase/7d",
            "n": 3,
            "ece": row["ece"],
            "clusters": 0,
            "confirmed": 0,
        }
    ]


def test_a_source_that_delivers_late_is_waited_for(warehouse, tmp_path, monkeypatch):
    for name, value in small_shop.configure(tmp_path, {"max_lateness_days": 3}).items():
        monkeypatch.setenv(name, value)
    write_model(warehouse)
    write_snapshot(warehouse, D, {"ann": {}, "bob": {}})
    write_scores(warehouse, D, {"ann": 0.8, "bob": 0.4})
    write_rollup(warehouse, [{"customer_id": "ann", "event_day": D + days(6), "batch_date": D + days(9)}])
    assert monitor_models.judge_matured(warehouse, D + days(9))["judged"] == []
    assert [found["n"] for found in monitor_models.judge_matured(warehouse, D + days(10))["judged"]] == [2]
    assert query(warehouse, PERFORMANCE)[0]["base_rate"] == 0.5


def test_each_date_is_judged_once_and_a_date_done_again_judges_its_own(warehouse):
    write_model(warehouse)
    for n in (0, 1):
        write_snapshot(warehouse, D + days(n), {"ann": {}})
        write_scores(warehouse, D + days(n), {"ann": 0.8})
    assert [row["scored_as_of"] for row in monitor_models.judge_matured(warehouse, D + days(7))["judged"]] == [
        "2024-03-10"
    ]
    assert [row["scored_as_of"] for row in monitor_models.judge_matured(warehouse, D + days(8))["judged"]] == [
        "2024-03-11"
    ]
    before = without(query(warehouse, PERFORMANCE), "measured_at")
    again = monitor_models.judge_matured(warehouse, D + days(7), run_id="again")
    assert [row["scored_as_of"] for row in again["judged"]] == ["2024-03-10"]
    assert without(query(warehouse, PERFORMANCE), "measured_at") == before
    (write,) = query(
        warehouse,
        "SELECT rows_deleted, rows_written FROM monitoring.write_audit WHERE run_id = 'again'"
        " AND table_name = 'monitoring.model_performance'",
    )
    assert write == {"rows_deleted": 1, "rows_written": 1}


def test_every_target_has_its_own_horizon_and_question(warehouse):
    write_model(warehouse)
    write_model(warehouse, "m2", target="lapse", horizon_days=28)
    write_snapshot(warehouse, D, {"ann": {}, "bob": {}})
    write_scores(warehouse, D, {"ann": 0.2, "bob": 0.7}, target="lapse", horizon_days=28, model_id="m2")
    write_rollup(warehouse, [{"customer_id": "ann", "event_day": D + days(20)}])
    assert monitor_models.judge_matured(warehouse, D + days(27))["judged"] == []
    monitor_models.judge_matured(warehouse, D + days(28))
    (row,) = query(warehouse, PERFORMANCE)
    assert (row["target"], row["n"], row["base_rate"], row["auc"], row["model_id"]) == ("lapse", 2, 0.5, 1.0, "m2")


def test_one_class_alone_has_no_auc(warehouse):
    write_model(warehouse)
    write_snapshot(warehouse, D, {"ann": {}, "bob": {}})
    write_scores(warehouse, D, {"ann": 0.2, "bob": 0.7})
    monitor_models.judge_matured(warehouse, D + days(7))
    (row,) = query(warehouse, PERFORMANCE)
    assert (row["auc"], row["base_rate"]) == (None, 0.0)


def test_scores_without_a_snapshot_are_skipped_and_said(warehouse):
    write_model(warehouse)
    write_scores(warehouse, D, {"ann": 0.2})
    assert monitor_models.judge_matured(warehouse, D + days(7)) == {
        "as_of": "2024-03-17", "judged": [], "skipped": [{"scored_as_of": "2024-03-10", "target": "purchase/7d"}]
    }  # fmt: skip
    assert query(warehouse, PERFORMANCE) == []


def wrong_segment(warehouse, gap, n=4000):
    """Everybody is given one half; those with more than 5 orders buy less often than that by `gap`."""
    random = np.random.default_rng(11)
    orders = random.integers(0, 10, n)
    names = [f"c{number:04d}" for number in range(n)]
    buys = random.random(n) < 0.5 - gap * (orders > 5)
    write_model(warehouse)
    write_snapshot(warehouse, D, pd.DataFrame({"customer_id": names, "orders_28d": orders}))
    write_scores(warehouse, D, dict.fromkeys(names, 0.5))
    bought = [who for who, yes in zip(names, buys, strict=True) if yes]
    write_rollup(warehouse, [{"customer_id": who, "event_day": D + days(2)} for who in bought])
    return pd.DataFrame({"orders_28d": orders})


def test_a_planted_segment_is_written_with_its_rule(warehouse):
    frame = wrong_segment(warehouse, 0.2)
    monitor_models.judge_matured(warehouse, D + days(7))
    rows = query(warehouse, CLUSTERS)
    assert rows[0]["confirmed"] and rows[0]["cluster"] == 1
    inside = matches(frame, rule_from_json(rows[0]["rule"]))
    assert inside.sum() == rows[0]["n"]
    assert (inside == (frame["orders_28d"] > 5)).all()
    assert rows[0]["description"] == "orders in 28 days above 5.5"
    again = without(rows)
    monitor_models.judge_matured(warehouse, D + days(7))
    assert query(warehouse, CLUSTERS) == again


def test_without_a_wrong_segment_none_is_confirmed(warehouse):
    wrong_segment(warehouse, 0.0)
    monitor_models.judge_matured(warehouse, D + days(7))
    assert not any(row["confirmed"] for row in query(warehouse, CLUSTERS))
