"""The checks that decide the exit code of ``make run``: each finds its own fault in an otherwise right warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from customer_behavior.demo import acceptance as report_module
from customer_behavior.demo import dates as demo
from customer_behavior.demo.acceptance import problems, report
from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.settings import load_targets
from customer_behavior.stages.migrate_warehouse import upgrade
from customer_behavior.warehouse import Warehouse

CUSTOMERS = ("1", "2", "3")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("report"), {"fsync": "off"})
    server.start()
    server.create_database("empty")
    upgrade(server.url("empty"))
    server.create_database("complete", template="empty")
    warehouse = Warehouse(server.url("complete"))
    fill(warehouse)
    warehouse.close()
    yield server
    server.destroy()


@pytest.fixture
def complete(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    """A warehouse of its own in which the demonstration is complete and right, on two rows instead of 1.5 million."""
    monkeypatch.setattr(report_module, "ROWS_DELIVERED", 2)
    server.create_database("case", template="complete")
    yield Warehouse(server.url("case"))
    server.drop_database("case")


def fill(warehouse: Warehouse) -> None:
    """Write the least that is complete."""
    with warehouse.begin() as connection:

        def insert(table: str, **values: object) -> None:
            names = ", ".join(values)
            marks = ", ".join(f":{name}" for name in values)
            connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)

        def partition(table: str, first: date, last: date) -> None:
            connection.execute(
                sa.text("SELECT raw.ensure_partitions(cast(:t AS regclass), :a, :b, 'day')"),
                {"t": table, "a": first, "b": last},
            )

        for day in demo.days(demo.HISTORY_FIRST, demo.BACKFILL_LAST):
            rows = 2 if day == demo.HISTORY_FIRST else 0
            counts = {"rows_read": rows, "rows_accepted": rows // 2, "rows_rejected": rows // 2, "rows_duplicate": 0}
            lists: dict[str, object] = {"files": [], "event_days": []}
            insert("raw.ingest_batches", source=demo.SOURCE, batch_date=day, status="loaded", **counts, **lists)
        partition("raw.events", demo.HISTORY_FIRST, demo.HISTORY_FIRST)
        batch = {"source": demo.SOURCE, "batch_date": demo.HISTORY_FIRST}
        stamps: dict[str, object] = {"event_time": "2017-01-01 12:00Z", "event_day": demo.HISTORY_FIRST}
        insert("raw.events", event_id="a", event_type="purchase", **stamps, **batch)
        insert("raw.rejected_events", file="f", line=2, reason="r", detail="d", raw_text="t", **batch)
        partition("models.scores", demo.JUDGED_AS_OF, demo.PUBLISHED_LAST)
        for table in ("customer_scores", "action_recommendations"):
            partition(f"marketing.{table}", demo.PUBLISHED_FIRST, demo.PUBLISHED_LAST)
        for number, key in enumerate(load_targets().scored_keys()):
            target = {"target": key.target, "horizon_days": key.horizon_days, "model_id": f"m{number}"}
            insert("models.promotions", effective_as_of=demo.TRAINED_AS_OF, reason="better", actor="gate", **target)
            for contender in ("model", "logistic_regression", "frequency"):
                measures = {"n": 9, "base_rate": 0.5, "brier": 0.2, "log_loss": 0.6, "ece": 0.01}
                insert(
                    "models.evaluations", contender=contender, trained_as_of=demo.TRAINED_AS_OF, **target, **measures
                )
            insert(
                "monitoring.model_performance",
                scored_as_of=demo.JUDGED_AS_OF,
                judged_as_of=demo.PUBLISHED_LAST,
                n=3,
                base_rate=0.5,
                mean_predicted=0.5,
                brier=0.2,
                log_loss=0.6,
                ece=0.01,
                **target,
            )
            for day in demo.days(demo.JUDGED_AS_OF, demo.PUBLISHED_LAST):
                rank = {"percentile": 50, "decile": 5, "reasons": "[]"}
                insert("models.scores", as_of_date=day, customer_id="1", probability=0.5, **target, **rank)
        for day in demo.days(demo.PUBLISHED_FIRST, demo.PUBLISHED_LAST):
            publish(insert, day)


def publish(insert: object, day: date) -> None:
    """One morning: three customers, their actions, the status and the drift run."""
    assert callable(insert)
    for n, customer in enumerate(CUSTOMERS):
        insert(
            "marketing.customer_scores",
            customer_id=customer,
            as_of_date=day,
            horizon_days=7,
            purchase_probability=0.2 + n / 10,
            percentile=50,
            decile=5,
            tier="medium",
            reasons=["bought lately"],
            recommended_products=[],
            recommended_action="none",
            action_reason="nothing applies",
            segment="regular",
            reliable=True,
            holdout_actions=[],
            model_version="m0",
        )
        words = {"action": "none", "reason": "nothing applies", "holdout": False}
        insert("marketing.action_recommendations", as_of_date=day, customer_id=customer, **words)
    insert(
        "marketing.status",
        as_of_date=day,
        ready=True,
        customers=len(CUSTOMERS),
        model_version="m0",
        model_trained_as_of=demo.TRAINED_AS_OF,
        warnings=[],
    )
    insert(
        "monitoring.drift_runs",
        as_of_date=day,
        reference_as_of=day - timedelta(days=7),
        reference_rows=3,
        current_rows=3,
        features=1,
        features_drifted=0,
        share_drifted=0,
        limit_share=0.5,
        drifted=False,
    )


def test_a_complete_warehouse_has_no_problem_and_lacks_nothing(complete: Warehouse) -> None:
    assert problems(complete) == []
    assert demo.missing(complete).nothing()


def test_an_empty_warehouse_lacks_everything(server: EmbeddedPostgres) -> None:
    empty = Warehouse(server.url("empty"))
    todo = demo.missing(empty)
    assert len(todo.history) == 358
    assert all(vars(todo).values())
    assert len(problems(empty)) >= 10
    assert "(no rows)" in report(empty)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("DELETE FROM raw.ingest_batches WHERE batch_date = '2017-12-27'", "has 364 batches"),
        ("UPDATE raw.ingest_batches SET rows_read = 3, rows_accepted = 2 WHERE rows_read = 2", "3 rows were read"),
        ("DELETE FROM raw.events", "counts 1 accepted rows, their table holds 0"),
        ("DELETE FROM raw.rejected_events", "counts 1 rejected rows, their table holds 0"),
        ("DELETE FROM models.promotions WHERE target = 'lapse'", "No model of lapse/28d is promoted"),
        ("UPDATE models.promotions SET effective_as_of = '2017-12-30'", "No model of purchase/7d is promoted"),
        ("DELETE FROM models.evaluations WHERE contender = 'frequency'", "No evaluation of frequency"),
        (
            "ALTER TABLE monitoring.model_performance DISABLE TRIGGER USER;"  # it is append-only
            " DELETE FROM monitoring.model_performance WHERE target = 'purchase'",
            "has not judged the purchase/7d",
        ),
        ("DELETE FROM marketing.status WHERE as_of_date = '2017-12-28'", "Nothing is published for 2017-12-28"),
        ("UPDATE marketing.status SET ready = false WHERE as_of_date = '2017-12-26'", "published for 2017-12-26"),
        (
            "DELETE FROM marketing.customer_scores WHERE customer_id = '2'",
            "2018-01-01 has 2 published rows; its status",
        ),
        (
            "UPDATE marketing.customer_scores SET purchase_probability = 1.2",
            "3 probabilities of 2017-12-26 are outside",
        ),
        ("UPDATE marketing.customer_scores SET lapse_probability = -0.1", "3 probabilities of 2017-12-26 are outside"),
        ("UPDATE marketing.customer_scores SET purchase_probability = 0.5", "of 2017-12-26 have the same probability"),
        ("UPDATE marketing.customer_scores SET purchase_probability = 'NaN'", "of 2017-12-26 are outside"),
        (
            "UPDATE marketing.status SET ready = false WHERE as_of_date = '2018-01-01'",
            "shows 2017-12-31, not 2018-01-01",
        ),
    ],
)
def test_each_fault_is_found(complete: Warehouse, fault: str, sentence: str) -> None:
    with complete.begin() as connection:
        connection.execute(sa.text(fault))
    assert any(sentence in problem for problem in problems(complete)), problems(complete)


@pytest.mark.parametrize(
    ("loss", "field", "dates"),
    [
        ("DELETE FROM raw.ingest_batches WHERE batch_date = '2017-03-05'", "history", [date(2017, 3, 5)]),
        ("DELETE FROM raw.ingest_batches WHERE batch_date = '2017-12-31'", "ingested", [date(2017, 12, 31)]),
        (
            "DELETE FROM models.scores WHERE as_of_date = '2017-12-27' AND target = 'lapse'",
            "scored",
            [date(2017, 12, 26)],
        ),
        ("DELETE FROM models.scores WHERE as_of_date = '2017-12-25'", "judged_scores", True),
        ("DELETE FROM models.promotions", "model", True),
        (
            "DELETE FROM marketing.action_recommendations WHERE as_of_date = '2018-01-01'",
            "recommended",
            [date(2017, 12, 31)],
        ),
        ("DELETE FROM monitoring.drift_runs WHERE as_of_date = '2017-12-26'", "monitored", [date(2017, 12, 25)]),
        ("DELETE FROM marketing.status WHERE as_of_date = '2017-12-29'", "published", [date(2017, 12, 28)]),
    ],
)
def test_what_is_lost_is_made_again_and_nothing_else(complete: Warehouse, loss: str, field: str, dates: object) -> None:
    with complete.begin() as connection:
        connection.execute(sa.text(loss))
    todo = demo.missing(complete)
    assert {name for name, value in vars(todo).items() if value} == {field}
    assert getattr(todo, field) == dates


def test_the_report_shows_rows_models_and_scores(complete: Warehouse) -> None:
    text = report(complete)
    for expected in ("complete_journey", "logistic_regression", "2018-01-01", "bought lately", "purchase/7d"):
        assert expected in text
    assert max(len(line) for line in text.splitlines()) < 200


def test_logical_dates_stand_at_the_shops_midnight_over_both_clock_changes() -> None:
    assert demo.logical_date(date(2017, 12, 25)).isoformat() == "2017-12-25T00:00:00-05:00"
    assert demo.logical_date(date(2017, 7, 1)).isoformat() == "2017-07-01T00:00:00-04:00"
