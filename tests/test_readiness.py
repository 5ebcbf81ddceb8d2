"""Readiness: which batches a date and a training need of each source."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_behavior.errors import NotReadyError
from customer_behavior.features import snapshot
from customer_behavior.readiness import missing_batches, require_history, require_ready
from customer_behavior.settings import load_settings, load_shop
from customer_behavior.stages import train_models
from support import small_shop

DAY = date(2024, 3, 1)
NOTHING_TO_TRAIN_ON = "no customer's event is known"  # what a training says once it has found all batches


def day(number: int) -> date:
    return DAY + timedelta(days=number)


@pytest.fixture
def active(tmp_path, monkeypatch):
    """Name the active sources in shop.yaml."""
    for name, value in small_shop.configure(tmp_path).items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "config" / "shop.yaml"
    shop = yaml.safe_load(path.read_text())

    def use(*sources: str) -> None:
        for source in sources:
            (tmp_path / "sources" / f"{source}.yaml").write_text((tmp_path / "sources" / "till.yaml").read_text())
        path.write_text(yaml.safe_dump({**shop, "sources": list(sources)}))

    use("till")
    return use


@pytest.fixture
def loaded(warehouse):
    """Write rows of the ledger, in place of what it has: {source: batch days by their number}."""

    def write(batches: dict[str, list[int]]) -> None:
        with warehouse.begin() as connection:
            connection.execute(sa.text("DELETE FROM raw.ingest_batches"))
            for source, days in batches.items():
                for number in days:
                    connection.execute(
                        sa.text(
                            "INSERT INTO raw.ingest_batches (source, batch_date, status, files, rows_read, rows_accepted,"
                            " rows_rejected, rows_duplicate, event_days) VALUES (:source, :day, 'empty', '{}', 0, 0, 0, 0, '{}')"
                        ),
                        {"source": source, "day": day(number)},
                    )

    return write


def test_a_dimension_delivered_a_year_before_stops_no_training(active, loaded, warehouse):
    loaded({"till": list(range(10)), "products": [-365, 3]})
    with pytest.raises(NotReadyError, match=NOTHING_TO_TRAIN_ON):
        train_models.train_targets(warehouse, day(10), promote=False, run_id=None)


def test_a_source_switched_on_later_stops_no_training_and_no_date_before_it(active, loaded, warehouse):
    active("till", "web")
    loaded({"till": list(range(10)), "web": [7, 8, 9]})
    with pytest.raises(NotReadyError, match=NOTHING_TO_TRAIN_ON):
        train_models.train_targets(warehouse, day(10), promote=False, run_id=None)
    assert snapshot.build(warehouse, load_settings(), day(5)) == 0


def test_a_source_that_is_switched_off_stops_nobody(active, loaded, warehouse):
    loaded({"till": [4, 5, 6], "old": [0, 2]})
    with warehouse.begin("train") as connection:
        require_history(connection, load_shop().sources, day(7))


def test_a_hole_in_a_source_s_own_range_is_named(active, loaded, warehouse):
    active("till", "web")
    loaded({"till": list(range(10)), "web": [3, 4, 6, 9]})
    with pytest.raises(NotReadyError, match=f"source web has no batch for {day(5)} \\(and 2 more\\)"):
        train_models.train_targets(warehouse, day(10), promote=False, run_id=None)
    with pytest.raises(NotReadyError, match=f"as-of date {day(6)} is not ready: source web has no batch for {day(5)};"):
        snapshot.build(warehouse, load_settings(), day(6))


def test_a_source_that_fell_behind_is_waited_for_and_one_without_any_batch_too(active, loaded, warehouse):
    active("till", "web", "app")
    loaded({"till": list(range(10)), "web": [3, 4]})
    with warehouse.begin("score") as connection:
        assert missing_batches(connection, load_shop().sources, day(9), day(9)) == [("app", day(9)), ("web", day(9))]
        with pytest.raises(NotReadyError, match=f"source app has no batch for {day(9)} \\(and 1 more\\)"):
            require_ready(connection, load_shop().sources, day(10))
        assert missing_batches(connection, load_shop().sources, None, day(6)) == [
            ("web", day(5)),
            ("app", day(6)),
            ("web", day(6)),
        ]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.dictionaries(st.sampled_from(["till", "web", "products"]), st.sets(st.integers(0, 12))),
    first=st.none() | st.integers(-2, 12),
    last=st.integers(0, 12),
)
def test_what_is_missing_is_what_a_slow_count_finds(active, loaded, warehouse, batches, first, last):
    active("till", "web")
    loaded({source: sorted(days) for source, days in batches.items()})
    expected = set()
    for source in ("till", "web"):
        days = batches.get(source, set())
        begins = max(min(days, default=last), -99 if first is None else first)
        expected |= {(source, day(number)) for number in range(begins, last + 1) if number not in days}
    with warehouse.begin("score") as connection:
        found = missing_batches(connection, load_shop().sources, None if first is None else day(first), day(last))
    assert set(found) == expected
    assert len(found) == len(expected)
    assert [when for _, when in found] == sorted(when for _, when in found)
