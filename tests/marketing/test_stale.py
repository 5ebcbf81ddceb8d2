"""A publication knows what it was made from: whoever reads its status sees what has changed since."""

import pytest
import sqlalchemy as sa

from customer_behavior.stages import publish_marketing, recommend
from customer_behavior.warehouse import audit
from marketing.test_publish import QUIET, confirm, judge
from support.mornings import D, days, execute, query, write_model, write_scores, write_snapshot

STATUS = "SELECT * FROM marketing.status_now ORDER BY as_of_date DESC LIMIT 1"
PEOPLE = ("ann", "bob")


@pytest.fixture
def morning(warehouse):
    """A published morning."""
    write_model(warehouse)
    write_snapshot(warehouse, D, dict.fromkeys(PEOPLE, QUIET))
    write_scores(warehouse, D, dict.fromkeys(PEOPLE, 0.5))
    for table in ("features.customer_snapshot", "models.scores"):
        written(warehouse, table, D)
    batch(warehouse, D - days(1))
    drift(warehouse, D - days(1))
    judge(warehouse, D - days(9), D - days(1), ece=0)
    recommend.products(warehouse, D)
    recommend.actions(warehouse, D)
    publish_marketing.publish(warehouse, D)
    assert status(warehouse)["stale"] is False
    return warehouse


def status(warehouse) -> dict:
    with warehouse.begin("marketing_reader") as connection:
        return dict(connection.execute(sa.text(STATUS)).mappings().one())


def written(warehouse, table, day) -> None:
    """What a stage leaves behind when it writes a date."""
    with warehouse.begin("score") as connection:
        audit(connection, table, str(day), 2, 2, "again")


def batch(warehouse, day, source="till") -> None:
    execute(
        warehouse,
        "INSERT INTO raw.ingest_batches (source, batch_date, status, files, rows_read, rows_accepted, rows_rejected,"
        " rows_duplicate, event_days) VALUES (:source, :day, 'loaded', '{}', 1, 1, 0, 0, '{}')"
        " ON CONFLICT (source, batch_date) DO UPDATE SET loaded_at = clock_timestamp()",
        source=source,
        day=day,
    )


def drift(warehouse, day) -> None:
    execute(
        warehouse,
        "INSERT INTO monitoring.drift_runs (as_of_date, reference_as_of, reference_rows, current_rows, features,"
        " features_drifted, share_drifted, limit_share, drifted) VALUES (:day, '2024-01-01', 9, 9, 29, 0, 0, 0.3, false)"
        " ON CONFLICT (as_of_date) DO UPDATE SET measured_at = clock_timestamp()",
        day=day,
    )


def test_status_carries_the_stamps_of_what_it_was_made_from(morning):
    [row] = query(morning, "SELECT made_from FROM marketing.status")
    made_from = row["made_from"]
    for name, table in (
        ("snapshot", "features.customer_snapshot"),
        ("scores", "models.scores"),
        ("actions", "marketing.action_recommendations"),
        ("products", "marketing.product_recommendations"),
    ):
        [newest] = query(
            morning, "SELECT max(audit_id) AS id FROM monitoring.write_audit WHERE table_name = :table", table=table
        )
        assert made_from[name] == newest["id"] is not None
    assert made_from["monitored"].startswith(f"{D - days(1)} at ")
    assert made_from["models"] == {"purchase/7d": "m1"}
    assert made_from.keys() == {
        "snapshot", "scores", "actions", "products", "monitored", "judged", "batches", "models"
    }  # fmt: skip


def promote(warehouse):
    write_model(warehouse, "m2", trained_as_of=D - days(1))


CHANGES = [
    (lambda w: written(w, "features.customer_snapshot", D), "the features of the morning were built again"),
    (lambda w: written(w, "models.scores", D), "the morning was scored again"),
    (lambda w: recommend.actions(w, D), "its actions were recommended again"),
    (lambda w: recommend.products(w, D), "its products were recommended again"),
    (lambda w: drift(w, D - days(1)), f"earlier mornings were monitored since ({D - days(1)} at "),
    (lambda w: judge(w, D - days(8), D - days(2), ece=0), "earlier scores were judged since"),
    (lambda w: batch(w, D - days(1)), f"batches of before the morning were loaded since: till {D - days(1)}"),
    (lambda w: batch(w, D - days(5), "crm"), f"batches of before the morning were loaded since: crm {D - days(5)}"),
    (promote, "another model serves the morning now: purchase/7d m2, not m1"),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_what_changes_after_the_publication_makes_it_stale_until_it_is_published_again(morning, change, words):
    change(morning)
    found = status(morning)
    assert found["stale"] is True
    assert found["stale_because"].startswith(words)
    assert ";" not in found["stale_because"]
    if change is not promote:  # that needs new scores first
        publish_marketing.publish(morning, D)
        assert (status(morning)["stale"], status(morning)["stale_because"]) == (False, None)


def test_what_is_of_the_morning_itself_or_of_another_makes_nothing_stale(morning):
    for table in ("features.customer_snapshot", "models.scores", "marketing.action_recommendations"):
        for day in (D - days(1), D + days(1)):
            written(morning, table, day)
    batch(morning, D)
    judge(morning, D - days(7), D, ece=0)
    assert status(morning)["monitored_at"] is None
    drift(morning, D)
    write_model(morning, "m2", trained_as_of=D)  # serves from the day after
    found = status(morning)
    assert (found["stale"], found["stale_because"]) == (False, None)
    assert found["monitored_at"] is not None


def test_stamps_that_retention_removed_are_no_change_and_a_morning_without_stamps_is_not_judged(morning):
    execute(morning, "DELETE FROM monitoring.write_audit")
    assert status(morning)["stale"] is False
    execute(morning, "UPDATE marketing.status SET made_from = NULL")
    assert (status(morning)["stale"], status(morning)["stale_because"]) == (None, None)


def test_a_first_morning_says_that_nothing_was_monitored(warehouse):
    write_model(warehouse)
    write_snapshot(warehouse, D, {"ann": QUIET})
    write_scores(warehouse, D, {"ann": 0.5})
    recommend.actions(warehouse, D)
    publish_marketing.publish(warehouse, D)
    [row] = query(warehouse, "SELECT made_from ->> 'monitored' AS monitored FROM marketing.status")
    assert row["monitored"] == "not monitored"


def test_a_segment_found_on_another_model_says_so_after_those_of_the_model_itself(warehouse):
    write_model(warehouse)
    write_snapshot(warehouse, D, {"one": {**QUIET, "orders_28d": 1}, "two": {**QUIET, "orders_28d": 2}})
    write_scores(warehouse, D, {"one": 0.5, "two": 0.5})
    recommend.actions(warehouse, D)
    for judged, rule in ((D - days(1), ("<=", 2.5)), (D - days(2), ("<=", 1.5))):
        op, value = rule
        confirm(warehouse, judged, [{"feature": "orders_28d", "op": op, "value": value}], f"orders up to {value}")
        judge(warehouse, judged - days(7), judged, ece=0)
    execute(
        warehouse, "UPDATE monitoring.model_performance SET model_id = 'm0' WHERE judged_as_of = :day", day=D - days(1)
    )
    result = publish_marketing.publish(warehouse, D)
    rows = query(warehouse, "SELECT customer_id, reliable, unreliable_reason FROM marketing.customer_scores ORDER BY 1")
    other = "orders up to 2.5 (found on the scores of model m0; these are of model m1)"
    assert [tuple(row.values()) for row in rows] == [("one", False, "orders up to 1.5"), ("two", False, other)]
    said = "1 customers are in a segment a model was wrong about (reliable is false): "
    assert result["warnings"] == [f"{said}orders up to 1.5", f"{said}{other}"]
