"""Incidents: one alert a date and kind, one mail an incident, nothing asked for by a backfill."""

import json
import re
import shutil

import pytest

from customer_behavior.paths import INCLUDE_DIR
from customer_behavior.stages import monitor_models
from support.mornings import D, days, execute, query, without, write_model, write_scores

ALERTS = "SELECT * FROM monitoring.alerts ORDER BY as_of_date, kind"
REQUESTS = "SELECT * FROM monitoring.retraining_requests ORDER BY as_of_date, target"


def drift(warehouse, as_of, drifted=True):
    execute(
        warehouse,
        "INSERT INTO monitoring.drift_runs (as_of_date, reference_as_of, reference_rows, current_rows, features,"
        " features_drifted, share_drifted, limit_share, drifted)"
        " VALUES (:as_of, :reference, 900, 900, 29, 12, 0.4138, 0.3, :drifted)",
        as_of=as_of,
        reference=D - days(20),
        drifted=drifted,
    )
    execute(
        warehouse,
        "INSERT INTO monitoring.drift_features (as_of_date, feature, method, distance, threshold, drifted, reference_mean,"
        " current_mean, reference_missing, current_missing)"
        " VALUES (:as_of, 'orders_28d', 'wasserstein', 0.5, 0.1, true, 4.25, 1.5, 0, 0),"
        " (:as_of, 'gap_mean_days', 'wasserstein', 0.01, 0.1, false, 3, 3, 0.1, 0.1)",
        as_of=as_of,
    )
    write_scores(warehouse, as_of, {"ann": 0.2, "bob": 0.4})


def performance(warehouse, judged, ece, target="purchase", horizon=7):
    execute(
        warehouse,
        "INSERT INTO monitoring.model_performance (scored_as_of, target, horizon_days, judged_as_of, model_id, n, base_rate,"
        " mean_predicted, brier, log_loss, ece)"
        " VALUES (:scored, :target, :horizon, :judged, 'm1', 500, 0.51, 0.6, 0.2, 0.5, :ece)",
        scored=judged - days(horizon),
        judged=judged,
        ece=ece,
        target=target,
        horizon=horizon,
    )


def cluster(warehouse, judged, cut=2.5, feature="orders_28d", confirmed=True):
    execute(
        warehouse,
        "INSERT INTO monitoring.error_clusters (scored_as_of, target, horizon_days, cluster, judged_as_of, description, rule, n,"
        " share, mean_predicted, realised, log_loss, log_loss_rest, p_value, confirmed) VALUES (:scored, 'purchase', 7, 1,"
        " :judged, :description, cast(:rule AS jsonb), 50, 0.1, 0.5, 0.1, 0.9, 0.4, 0.001, :confirmed)",
        scored=judged - days(7),
        judged=judged,
        description=f"{feature} at most {cut}",
        rule=json.dumps([{"feature": feature, "op": "<=", "value": cut}]),
        confirmed=confirmed,
    )


@pytest.fixture
def shop(warehouse):
    write_model(warehouse)
    write_scores(warehouse, D - days(20), {"ann": 0.6, "bob": 0.7})
    return warehouse


def send(warehouse, as_of):
    """Send the mail as the DAG does; return it."""
    mail = monitor_models.pending_mail(warehouse, as_of)
    if mail is not None:
        monitor_models.mark_mailed(warehouse, as_of, mail["alert_ids"])
    return mail


def test_where_nothing_is_wrong_there_is_no_alert_no_mail_no_request(shop):
    drift(shop, D, drifted=False)
    performance(shop, D, ece=0.05)  # at the limit, not over it
    cluster(shop, D, confirmed=False)
    assert monitor_models.raise_incidents(shop, D, quiet=False) == []
    assert send(shop, D) is None
    assert query(shop, ALERTS) + query(shop, REQUESTS) == []


def test_a_mail_says_what_moved_how_much_since_when_what_it_does_and_what_to_do(shop):
    drift(shop, D - days(2), drifted=False)
    drift(shop, D - days(1))
    drift(shop, D)
    monitor_models.raise_incidents(shop, D, quiet=False, run_id="r")
    (alert,) = query(shop, ALERTS)
    assert alert["subject"] == "2024-03-10 drift: 12 of 29 features moved since 2024-02-19"
    for line in (
        "12 of 29 features (41%, limit 30%) on 2024-03-10, compared with the customers of 2024-02-19.",
        "- Orders in 28 days (orders_28d): mean 4.25 before, 1.5 now; missing 0.0% before, 0.0% now; wasserstein 0.5, limit 0.1",
        "Over the limit since 2024-03-09.",
        "- purchase/7d: mean probability 65.0% on the reference date, 30.0% on 2024-03-10",
        "a training of the targets above was asked for",
    ):
        assert line in alert["body"]
    assert "gap_mean_days" not in alert["body"]


def test_all_kinds_of_a_date_go_in_one_mail_and_only_once(shop):
    drift(shop, D)
    performance(shop, D, ece=0.09)
    cluster(shop, D)
    alerts = monitor_models.raise_incidents(shop, D, quiet=False)
    assert [alert["kind"] for alert in alerts] == ["drift", "performance", "errors"]
    mail = monitor_models.pending_mail(shop, D)
    assert mail is not None
    assert mail["subject"] == "[customer behaviour] 2024-03-10 performance, errors, drift"
    assert mail["to"] == ["oncall@example.com"]
    assert len(mail["alert_ids"]) == 3
    for part in ("12 of 29 features", "60.0% predicted, 51.0% came true among 500", "orders_28d at most 2.5"):
        assert part in mail["text"]
    for part in ("<b>12 of 29</b> features", "<td>purchase/7d</td>", "<td>orders_28d at most 2.5</td>"):
        assert part in mail["html"]
    assert monitor_models.mark_mailed(shop, D, mail["alert_ids"])["mailed"] == 3
    stamps = [row["mailed_at"] for row in query(shop, ALERTS)]
    assert monitor_models.pending_mail(shop, D) is None
    monitor_models.raise_incidents(shop, D, quiet=False, run_id="again")
    assert monitor_models.pending_mail(shop, D) is None
    assert [row["mailed_at"] for row in query(shop, ALERTS)] == stamps
    assert monitor_models.mark_mailed(shop, D, mail["alert_ids"])["mailed"] == 0


@pytest.mark.parametrize("value", ["[]", "", "null"])
def test_with_nobody_to_tell_incidents_are_recorded_and_not_mailed(shop, tmp_path, monkeypatch, value):
    shutil.copytree(INCLUDE_DIR / "config", tmp_path / "config")
    path = tmp_path / "config" / "shop.yaml"
    path.write_text(re.sub("(?m)^alert_to: .*", f"alert_to: {value}", path.read_text()))
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_CONFIG", str(tmp_path / "config"))
    drift(shop, D)
    assert len(monitor_models.raise_incidents(shop, D, quiet=False)) == 1
    assert monitor_models.pending_mail(shop, D) is None
    assert [row["mailed_at"] for row in query(shop, ALERTS)] == [None]


def test_html_is_escaped(shop):
    cluster(shop, D, feature="<script>")
    monitor_models.raise_incidents(shop, D, quiet=False)
    mail = monitor_models.pending_mail(shop, D)
    assert mail is not None
    assert "<script>" not in mail["html"]
    assert "&lt;script&gt;" in mail["html"]
    assert "<script>" in mail["text"]


def test_what_goes_on_is_recorded_and_not_mailed_again_until_it_was_over(shop):
    mailed = []
    for n, drifted in enumerate([True, True, False, True]):
        day = D + days(n)
        drift(shop, day, drifted=drifted)
        monitor_models.raise_incidents(shop, day, quiet=False)
        if send(shop, day):
            mailed.append(day)
    assert [row["as_of_date"] for row in query(shop, ALERTS)] == [D, D + days(1), D + days(3)]
    assert mailed == [D, D + days(3)]


def test_another_target_in_the_same_incident_kind_is_news(shop):
    performance(shop, D, ece=0.09)
    monitor_models.raise_incidents(shop, D, quiet=False)
    assert send(shop, D)
    performance(shop, D + days(1), ece=0.09)
    performance(shop, D + days(1), ece=0.2, target="lapse", horizon=28)
    monitor_models.raise_incidents(shop, D + days(1), quiet=False)
    mail = send(shop, D + days(1))
    assert "lapse/28d were 20.0% off" in mail["subject"]


def test_a_segment_confirmed_again_with_another_cut_is_no_news(shop):
    cluster(shop, D)
    cluster(shop, D + days(1), cut=2.9)
    cluster(shop, D + days(2), feature="gap_mean_days")
    kinds = {}
    for n in range(3):
        kinds[n] = [alert["kind"] for alert in monitor_models.raise_incidents(shop, D + days(n), quiet=False)]
    assert kinds == {0: ["errors"], 1: [], 2: ["errors"]}


def test_a_backfill_records_and_neither_mails_nor_asks(shop):
    drift(shop, D)
    (alert,) = monitor_models.raise_incidents(shop, D, quiet=True)
    assert alert["quiet"] is True
    (row,) = query(shop, ALERTS)
    assert (row["quiet"], row["mailed_at"]) == (True, None)
    assert "a backfill asks for nothing" in row["body"]
    assert monitor_models.pending_mail(shop, D) is None
    assert query(shop, REQUESTS) == []
    # The next night finds it still going on, and nobody was told: now somebody is.
    drift(shop, D + days(1))
    monitor_models.raise_incidents(shop, D + days(1), quiet=False)
    assert "since 2024-03-10" in send(shop, D + days(1))["text"].replace("\n", " ")


def test_a_backfill_of_a_date_that_was_mailed_leaves_it_so(shop):
    drift(shop, D)
    monitor_models.raise_incidents(shop, D, quiet=False)
    send(shop, D)
    monitor_models.raise_incidents(shop, D, quiet=True)
    (row,) = query(shop, ALERTS)
    assert row["quiet"] is False
    assert row["mailed_at"] is not None
    assert len(query(shop, REQUESTS)) == 1


def test_a_request_stays_open_until_a_training_answers_it(shop):
    for n in range(2):
        drift(shop, D + days(n))
        monitor_models.raise_incidents(shop, D + days(n), quiet=False)
    (request,) = without(query(shop, REQUESTS), "requested_at")
    assert request == {
        "as_of_date": D, "target": "purchase", "horizon_days": 7, "fulfilled_by": None,
        "reason": "drift: 12 of 29 features moved since 2024-02-19",
    }  # fmt: skip
    execute(shop, "UPDATE monitoring.retraining_requests SET fulfilled_by = 'm2'")
    drift(shop, D + days(2))
    monitor_models.raise_incidents(shop, D + days(2), quiet=False)
    assert [row["as_of_date"] for row in query(shop, REQUESTS)] == [D, D + days(2)]


def test_a_date_done_again_gives_the_same_rows_and_drops_what_no_longer_holds(shop):
    drift(shop, D)
    performance(shop, D, ece=0.09)
    monitor_models.raise_incidents(shop, D, quiet=False)
    first = query(shop, ALERTS), without(query(shop, REQUESTS), "requested_at")
    monitor_models.raise_incidents(shop, D, quiet=False)
    assert (query(shop, ALERTS), without(query(shop, REQUESTS), "requested_at")) == first
    execute(shop, "UPDATE monitoring.model_performance SET ece = 0.01")
    monitor_models.raise_incidents(shop, D, quiet=False)
    assert [row["kind"] for row in query(shop, ALERTS)] == ["drift"]
    assert [row["reason"] for row in query(shop, REQUESTS)] == ["drift: 12 of 29 features moved since 2024-02-19"]
