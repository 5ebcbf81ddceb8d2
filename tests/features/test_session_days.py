"""Days of session snapshots: built once, again when their past has changed, and gone when they are old."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from customer_behavior.errors import NotReadyError
from customer_behavior.features import sessions
from customer_behavior.maintenance import erasure
from customer_behavior.maintenance.retention import find_old
from customer_behavior.names import Role
from customer_behavior.settings import load_settings
from customer_behavior.warehouse import ensure_partitions
from support.visited_shop import DAY, NEXT, keys, ledger, load, taken, visit
from support.visits import random_events


def test_no_source_with_visits_is_no_session_and_no_partition(visited_shop, warehouse):
    till = visit("10:00", event_type="other") + visit("10:01", event_type="purchase")
    assert visited_shop(till) == []
    assert visited_shop([]) == []
    with warehouse.begin() as connection:
        found = connection.execute(
            sa.text("SELECT count(*) FROM pg_inherits WHERE inhparent = 'features.session_snapshot'::regclass")
        )
        assert found.scalar_one() == 0


def test_a_second_build_replaces_the_first_and_is_audited(visited_shop, warehouse):
    first = visited_shop(visit("10:00", "10:01", "10:02"))
    assert visited_shop(visit("10:00", "10:01", "10:02")) == first
    assert visited_shop([]) == []
    with warehouse.begin() as connection:
        written = "SELECT slice, rows_deleted, rows_written FROM monitoring.write_audit ORDER BY audit_id"
        assert [tuple(row) for row in connection.execute(sa.text(written))] == [
            (str(DAY), 0, 2), (str(DAY), 2, 2), (str(DAY), 2, 0),
        ]  # fmt: skip


def test_only_if_missing_keeps_a_day_until_its_past_is_loaded_again(visited_shop, warehouse):
    events = visit("10:00", "10:01", "10:02")
    visited_shop(events)
    ledger(warehouse, NEXT)  # of no concern to it
    assert (kept(warehouse), writes(warehouse)) == (2, 1)
    load(warehouse, [*events, *visit("11:00", session_id="t")], DAY)
    assert (kept(warehouse), writes(warehouse)) == (3, 2)
    ledger(warehouse, DAY - timedelta(days=40))  # history looks at it
    assert (kept(warehouse), writes(warehouse)) == (3, 3)
    assert (kept(warehouse), writes(warehouse)) == (3, 3)
    sessions.build(warehouse, load_settings(), DAY, role=Role.TRAIN)
    assert writes(warehouse) == 4


def test_only_if_missing_knows_a_day_without_sessions(visited_shop, warehouse):
    assert visited_shop(visit("10:00", event_type="purchase")) == []
    assert (kept(warehouse), writes(warehouse)) == (0, 1)
    load(warehouse, visit("10:00"), DAY)
    assert (kept(warehouse), writes(warehouse)) == (1, 2)


def test_only_if_missing_builds_a_day_whose_rows_are_gone(visited_shop, warehouse):
    first = visited_shop(visit("10:00"))
    with warehouse.begin() as connection:
        connection.execute(sa.text("TRUNCATE features.session_snapshot"))
    assert kept(warehouse) == 1
    assert taken(warehouse, DAY) == first


def kept(warehouse) -> int:
    return sessions.build(warehouse, load_settings(), DAY, role=Role.TRAIN, only_if_missing=True)  # as a training does


def writes(warehouse) -> int:
    count = "SELECT count(*) FROM monitoring.write_audit WHERE table_name = 'features.session_snapshot'"
    with warehouse.begin() as connection:
        return connection.execute(sa.text(count)).scalar_one()


@pytest.mark.parametrize("seed", range(2))
def test_what_a_training_builds_of_a_past_day_is_what_its_night_built(visited_shop, warehouse, seed):
    night = visited_shop(random_events(seed, DAY))
    for day in (NEXT, NEXT + timedelta(days=1)):
        ledger(warehouse, day)
    with warehouse.begin() as connection:  # no partition, no audit: as of a day before the platform was there
        connection.execute(sa.text("DROP TABLE features.session_snapshot_20240305"))
        connection.execute(sa.text("TRUNCATE monitoring.write_audit"))
    assert kept(warehouse) == len(night)
    assert taken(warehouse, DAY) == night


def test_a_day_whose_batch_is_missing_is_not_ready(visited_shop, warehouse):
    visited_shop(visit("10:00"))
    with pytest.raises(NotReadyError, match="source till has no batch for 2024-03-06"):
        sessions.build(warehouse, load_settings(), NEXT)


def test_retention_and_erasure_reach_it(visited_shop, warehouse):
    visited_shop(visit("10:00") + visit("10:00", session_id=None, customer_id="c2"))
    erasure.erase_customer(warehouse, "c2", dry_run=False)
    assert keys(taken(warehouse, DAY)) == [("s", 1)]
    with warehouse.begin() as connection:
        newest = DAY + timedelta(days=400)  # stays
        ensure_partitions(connection, "features.session_snapshot", newest, newest)
    last = DAY + timedelta(days=401)  # a partition goes when its whole day is older than 400 days
    for known in (last - timedelta(days=1), last):
        with warehouse.begin() as connection:
            going = find_old(connection, load_settings(), known, None)
        names = [partition.name for old in going for partition in old.partitions]
        assert ("features.session_snapshot_20240305" in names) == (known == last)
