"""Drift: none where there is none, the planted one where there is, against the right reference, in order."""

import math

import numpy as np
import pandas as pd
import pytest
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift

from customer_behavior.errors import NotReadyError
from customer_behavior.monitoring.drift.distances import measure
from customer_behavior.settings import DriftLimits, load_settings
from customer_behavior.stages import monitor_models
from support.mornings import D, days, query, without, write_model, write_scores, write_snapshot

LIMITS = DriftLimits(method="wasserstein", threshold=0.1, limit_share=0.3, sample_rows=1000)
COUNT = len(load_settings().features)
ROWS = 3000  # so many that chance moves none of them over the threshold
RUNS = "SELECT * FROM monitoring.drift_runs ORDER BY as_of_date"
FEATURES = "SELECT * FROM monitoring.drift_features ORDER BY as_of_date, feature"


def frame(**columns):
    return pd.DataFrame(columns)


def test_the_distance_by_hand():
    # Everything moved by 1; the reference has a standard deviation of 1 (values 0 and 2).
    (row,) = measure(frame(a=[0.0, 2.0] * 50), frame(a=[1.0, 3.0] * 50), ["a"], LIMITS).to_dict("records")
    assert row == {
        "feature": "a", "method": "wasserstein", "distance": pytest.approx(1.0), "threshold": 0.1, "drifted": True,
        "reference_mean": 1.0, "current_mean": 2.0, "reference_missing": 0.0, "current_missing": 0.0,
    }  # fmt: skip


def test_the_distances_are_those_of_evidently_s_report():
    random = np.random.default_rng(3)
    before = frame(**{f"f{n}": random.gamma(2, n + 1, 400) for n in range(6)})
    now = frame(**{f"f{n}": random.gamma(2.5, n + 1, 300) for n in range(6)})
    before.loc[::7, "f1"], before["f2"], now["f2"], now["f3"] = np.nan, 1.0, 1.0, 0.0
    rows = measure(before, now, list(before), LIMITS).set_index("feature")
    definition = DataDefinition(numerical_columns=list(before))
    samples = [Dataset.from_pandas(sample, data_definition=definition) for sample in (now, before)]
    report = Report([ValueDrift(column=name, method=LIMITS.method) for name in before]).run(*samples).dict()
    shown = {metric["config"]["column"]: metric["value"] for metric in report["metrics"]}
    compared = rows[rows["method"] == LIMITS.method]["distance"].to_dict()
    assert len(compared) >= 5
    assert compared == {name: shown[name] for name in compared}


def test_values_that_go_missing_are_drift():
    before = frame(some=[1.0, 2.0] * 50, all=[1.0, 2.0] * 50, never=[np.nan] * 100)
    now = frame(some=[1.0, 2.0] * 25 + [np.nan] * 50, all=[np.nan] * 100, never=[np.nan] * 100)
    rows = measure(before, now, ["some", "all", "never"], LIMITS).set_index("feature")
    assert list(rows["method"]) == ["missing_share", "missing_share", "wasserstein"]
    assert list(rows["distance"]) == [0.5, 1.0, 0.0]
    assert list(rows["drifted"]) == [True, True, False]


def customers(seed, moved=(), n=ROWS):
    random = np.random.default_rng(seed)
    columns = {name: random.poisson(20, n) for name in load_settings().features}
    for name in moved:
        columns[name] = columns[name] + 9
    return pd.DataFrame({"customer_id": [f"c{number}" for number in range(n)], **columns})


def morning(warehouse, as_of, seed, moved=()):
    write_snapshot(warehouse, as_of, customers(seed, moved))
    write_scores(warehouse, as_of, {f"c{number}": 0.5 for number in range(20)})


def test_none_is_found_where_there_is_none_and_the_planted_one_where_there_is(warehouse):
    write_model(warehouse, calibration=[D - days(40), D - days(30)])
    write_snapshot(warehouse, D - days(30), customers(1))
    morning(warehouse, D, 2)
    result = monitor_models.measure_drift(warehouse, D, run_id="r")
    assert result == {
        "as_of": "2024-03-10", "reference_as_of": "2024-02-09", "features": COUNT, "features_drifted": 0, "drifted": False
    }  # fmt: skip
    moved = list(load_settings().features)[5 : 5 + math.ceil(0.31 * COUNT)]
    morning(warehouse, D + days(1), 3, moved)
    assert monitor_models.measure_drift(warehouse, D + days(1))["drifted"] is True
    rows = [row for row in query(warehouse, FEATURES) if row["as_of_date"] == D + days(1)]
    assert len(rows) == COUNT
    assert {row["feature"] for row in rows if row["drifted"]} == set(moved)
    assert {row["method"] for row in rows} == {"wasserstein"}
    (_, run) = without(query(warehouse, RUNS), "measured_at")
    assert run == {
        "as_of_date": D + days(1), "reference_as_of": D - days(30), "reference_rows": ROWS, "current_rows": ROWS,
        "features": COUNT, "features_drifted": len(moved), "share_drifted": pytest.approx(len(moved) / COUNT), "limit_share": 0.3,
        "drifted": True,
    }  # fmt: skip


def test_a_second_run_writes_again_and_the_same(warehouse):
    write_model(warehouse)
    morning(warehouse, D - days(7), 1)
    morning(warehouse, D, 2, ["orders_28d"])
    monitor_models.measure_drift(warehouse, D)
    first = without(query(warehouse, RUNS), "measured_at"), query(warehouse, FEATURES)
    assert first[0][0]["reference_as_of"] == D - days(7)
    monitor_models.measure_drift(warehouse, D, run_id="second")
    assert (without(query(warehouse, RUNS), "measured_at"), query(warehouse, FEATURES)) == first
    written = query(
        warehouse, "SELECT table_name, rows_deleted, rows_written FROM monitoring.write_audit WHERE run_id = 'second'"
    )
    assert {row["table_name"]: (row["rows_deleted"], row["rows_written"]) for row in written} == {
        "monitoring.drift_runs": (1, 1), "monitoring.drift_features": (COUNT, COUNT)
    }  # fmt: skip


def test_only_customers_of_the_target_are_compared(warehouse):
    write_model(warehouse)
    gone = customers(5).assign(days_since_purchase=181)
    gone["customer_id"] = "gone " + gone["customer_id"]
    write_snapshot(warehouse, D - days(7), customers(1))
    write_snapshot(warehouse, D, pd.concat([customers(2), gone]))
    write_scores(warehouse, D, {"c1": 0.5})
    assert monitor_models.measure_drift(warehouse, D)["features_drifted"] == 0
    assert query(warehouse, RUNS)[0]["current_rows"] == ROWS


def test_a_first_date_without_any_other_compares_with_itself(warehouse):
    write_model(warehouse, calibration=[D - days(30)])
    morning(warehouse, D, 1)
    assert monitor_models.measure_drift(warehouse, D)["reference_as_of"] == "2024-03-10"


def test_out_of_order_it_names_the_first_missing_date(warehouse):
    write_model(warehouse)
    for n in (0, 3):
        morning(warehouse, D + days(n), n)
    monitor_models.measure_drift(warehouse, D)
    for stage in (monitor_models.measure_drift, monitor_models.judge_matured):
        with pytest.raises(NotReadyError, match="run monitor_models for as-of date 2024-03-11 first"):
            stage(warehouse, D + days(3))
    with pytest.raises(NotReadyError, match="run score_customers for as-of date 2024-03-11"):
        monitor_models.measure_drift(warehouse, D + days(1))
