"""MLflow as a mirror: told once, never in the way, and caught up with."""

import json
from datetime import date

import pytest
import sqlalchemy as sa

from customer_behavior import tracking
from customer_behavior.models import promotions
from customer_behavior.tracking import mirror as mirroring
from customer_behavior.tracking.mirror import mirror

DAY = date(2024, 3, 10)


class Server:
    """What is told to MLflow, in place of MLflow."""

    def __init__(self) -> None:
        self.down = False
        self.told: list[tracking.TrainingRecord] = []
        self.champions: list[dict] = []
        self.missing: dict = {}

    def log_training(self, record: tracking.TrainingRecord) -> tracking.Logged:
        if self.down:
            raise tracking.TrackingError("no answer")
        self.told.append(record)
        return tracking.Logged(run_id=f"run-{record.model_id}", version=str(len(self.told)), url="http://mlflow/1")

    def mirror_champions(self, champions: dict) -> tracking.Mirrored:
        self.champions.append(dict(champions))
        return tracking.Mirrored(missing=self.missing)


@pytest.fixture
def server(monkeypatch) -> Server:
    found = Server()
    monkeypatch.setattr(tracking, "log_training", found.log_training)
    monkeypatch.setattr(tracking, "mirror_champions", found.mirror_champions)
    return found


def register(warehouse, name: str, target: str = "purchase") -> None:
    card = {"kind": "xgboost", "served": "xgboost", "seed": 1, "parameters": {"max_depth": 3}, "confidence": "normal"}
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO models.model_versions (model_id, target, horizon_days, trained_as_of, card, fit_dates,"
                " calibration_dates, test_dates) VALUES (:name, :target, 7, :day, cast(:card AS jsonb), '{}', '{}', '{}');"
                "INSERT INTO models.model_files (model_id, name, content, sha256) VALUES (:name, 'model.json', 'x', 'x');"
                "INSERT INTO models.reports (model_id, html) VALUES (:name, '<html>');"
                "INSERT INTO models.evaluations (model_id, contender, target, horizon_days, trained_as_of, n, base_rate, auc)"
                " VALUES (:name, 'model', :target, 7, :day, 10, 0.5, 0.8)"
            ),
            {"name": name, "target": target, "day": DAY, "card": json.dumps(card)},
        )


def promote(warehouse, name: str, day: date, target: str = "purchase") -> None:
    with warehouse.begin("train") as connection:
        promotions.promote(connection, target, 7, name, day, reason="-", actor="test")


def tracked(warehouse) -> set[str]:
    with warehouse.begin() as connection:
        return set(connection.execute(sa.text("SELECT model_id FROM models.tracking")).scalars())


def test_without_an_address_nothing_is_told_or_written(warehouse):
    register(warehouse, "a")
    mirror(warehouse)
    assert tracked(warehouse) == set()


def test_a_model_is_told_once_with_its_files_numbers_and_report(warehouse, server):
    register(warehouse, "a")
    mirror(warehouse)
    mirror(warehouse)
    [record] = server.told
    assert (record.model_id, record.target, record.horizon_days, record.as_of) == ("a", "purchase", 7, DAY)
    assert (record.files, record.report_html) == ({"model.json": b"x"}, "<html>")
    assert record.metrics == {"base_rate": 0.5, "auc": 0.8}
    assert record.parameters["max_depth"] == 3
    assert tracked(warehouse) == {"a"}


def test_a_server_that_is_down_is_a_warning_and_the_next_night_catches_up(warehouse, server, caplog):
    register(warehouse, "a")
    server.down = True
    mirror(warehouse)
    assert "MLflow does not know the newest models yet: no answer" in caplog.text
    assert tracked(warehouse) == set()
    register(warehouse, "b")
    server.down = False
    mirror(warehouse)
    assert tracked(warehouse) == {"a", "b"}


def test_what_piled_up_comes_in_a_few_nights_newest_first(warehouse, server, monkeypatch):
    monkeypatch.setattr(mirroring, "AT_ONCE", 2)
    for name in "abc":
        register(warehouse, name)
    mirror(warehouse)
    assert [record.model_id for record in server.told] == ["c", "b"]
    mirror(warehouse)
    assert tracked(warehouse) == {"a", "b", "c"}


def test_the_champions_are_the_newest_promotions_of_each_target(warehouse, server):
    promote(warehouse, "new", date(2024, 3, 12))
    promote(warehouse, "old", DAY)  # decided later, in effect earlier
    promote(warehouse, "other", DAY, target="lapse")
    mirror(warehouse)
    assert server.champions == [{("purchase", 7): "new", ("lapse", 7): "other"}]


def test_a_champion_that_mlflow_has_lost_is_told_again(warehouse, server):
    register(warehouse, "a")
    promote(warehouse, "a", DAY)
    server.missing = {("purchase", 7): "a"}
    mirror(warehouse)
    assert tracked(warehouse) == set()
    server.missing = {}
    mirror(warehouse)
    assert [record.model_id for record in server.told] == ["a", "a"]
    assert tracked(warehouse) == {"a"}
