"""Erasure leaves no trace of the person in any table, and everybody else as they were."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from customer_behavior.errors import ConfigurationError, PlatformError
from customer_behavior.maintenance import erasure
from customer_behavior.stages import publish_marketing, recommend
from support.mornings import (
    D,
    days,
    execute,
    query,
    write_events,
    write_model,
    write_rollup,
    write_scores,
    write_snapshot,
)

WHO = "person-718"
SCHEMAS = "('raw', 'features', 'models', 'marketing', 'monitoring')"


def everything(warehouse):
    """Every row of every table as JSON text."""
    names = query(
        warehouse,
        "SELECT format('%I.%I', nspname, relname) AS name FROM pg_class JOIN pg_namespace AS spaces ON spaces.oid = relnamespace"
        f" WHERE nspname IN {SCHEMAS} AND relkind IN ('r', 'p') AND NOT relispartition",
    )
    found = {}
    for row in names:
        rows = query(warehouse, f"SELECT cast(to_jsonb(t) AS text) AS text FROM {row['name']} AS t")
        found[row["name"]] = sorted(line["text"] for line in rows)
    return found


def traces(warehouse, of=WHO):
    return {table: n for table, rows in everything(warehouse).items() if (n := sum(of in row for row in rows))}


@pytest.fixture
def shop(warehouse):
    """Two customers, through every stage that writes rows of customers."""
    write_model(warehouse)
    names = (WHO, "other")
    write_snapshot(warehouse, D, {who: {} for who in names})
    write_scores(warehouse, D, dict.fromkeys(names, 0.5))
    write_events(
        warehouse,
        [{"customer_id": who, "product_id": "milk", "event_day": D - days(age)} for who in names for age in (1, 1, 9)],
    )
    write_rollup(warehouse, [{"customer_id": who, "event_day": D - days(1)} for who in names])
    recommend.products(warehouse, D)
    recommend.actions(warehouse, D)
    publish_marketing.publish(warehouse, D)
    execute(
        warehouse,
        "INSERT INTO raw.ingest_batches (source, batch_date, status, files, rows_read, rows_accepted, rows_rejected,"
        " rows_duplicate, event_days) VALUES ('till', :day, 'loaded', '{}', 8, 4, 3, 1, '{}')",
        day=D - days(1),
    )
    execute(
        warehouse,
        "INSERT INTO raw.duplicate_events SELECT * FROM raw.events WHERE customer_id = :who AND event_day = :day LIMIT 1",
        who=WHO,
        day=D - days(1),
    )
    for number, text in enumerate((f"2024-03-09,{WHO},x", f"2024-03-09,{WHO}9,x", "2024-03-09,other,x")):
        execute(
            warehouse,
            "INSERT INTO raw.rejected_events (source, batch_date, file, line, reason, detail, raw_text)"
            " VALUES ('till', :day, 'f', :number, 'bad', :detail, :text)",
            day=D - days(1),
            number=number,
            detail=f"line {text}",
            text=text,
        )
    execute(
        warehouse,
        "INSERT INTO models.score_staging (run_token, bucket, as_of_date, target, horizon_days, customer_id, probability,"
        " reasons, model_id) VALUES ('t', 0, :day, 'purchase', 7, :who, 0.5, '[]', 'm1')",
        day=D,
        who=WHO,
    )
    execute(
        warehouse,
        "INSERT INTO marketing.audience_members (audience_id, customer_id, as_of_date, holdout) VALUES ('a', :who, :day, false)",
        day=D,
        who=WHO,
    )
    return warehouse


def test_a_dry_run_counts_and_touches_nothing(shop):
    before = everything(shop)
    counted = erasure.erase_customer(shop, WHO)
    assert counted["dry_run"] is True
    assert everything(shop) == before
    assert counted["rows"]["raw.events"] == 3
    done = erasure.erase_customer(shop, WHO, dry_run=False)
    assert done["rows"] == counted["rows"]


def test_nothing_of_the_person_is_left_and_everything_of_the_others(shop):
    before = everything(shop)
    assert len(traces(shop)) == 13  # or the test would prove little
    erasure.erase_customer(shop, WHO, dry_run=False, run_id="r")
    after = everything(shop)
    assert traces(shop) == {"raw.rejected_events": 1}  # person-7189 is somebody else
    others = [row for row in after["raw.rejected_events"] if WHO in row]
    assert f"{WHO}9" in others[0]
    for table, rows in before.items():
        if table not in ("raw.ingest_batches", "raw.rejected_events", "raw.erased_customers", "monitoring.write_audit"):
            assert after[table] == [row for row in rows if WHO not in row], table


def test_the_ledger_and_the_rejects_still_agree(shop):
    erasure.erase_customer(shop, WHO, dry_run=False)
    (batch,) = query(shop, "SELECT * FROM raw.ingest_batches")
    assert (batch["rows_read"], batch["rows_accepted"], batch["rows_rejected"], batch["rows_duplicate"]) == (5, 2, 3, 0)
    assert query(shop, "SELECT count(*) AS n FROM raw.rejected_events") == [{"n": 3}]
    assert query(shop, "SELECT count(*) AS n FROM raw.events WHERE batch_date = :day", day=D - days(1)) == [{"n": 2}]
    erased = query(shop, "SELECT raw_text, detail FROM raw.rejected_events WHERE line = 0")
    assert erased == [{"raw_text": "[erased]", "detail": "[erased]"}]


def test_the_audit_knows_that_somebody_was_erased_not_who(shop):
    erasure.erase_customer(shop, WHO, dry_run=False, run_id="r")
    writes = query(shop, "SELECT table_name, slice, rows_deleted FROM monitoring.write_audit WHERE run_id = 'r'")
    assert {"table_name": "raw.events", "slice": "erasure of a person", "rows_deleted": 3} in writes
    assert WHO not in json.dumps(writes)


def test_a_second_erasure_finds_nothing(shop):
    erasure.erase_customer(shop, WHO, dry_run=False)
    assert set(erasure.erase_customer(shop, WHO, dry_run=False)["rows"].values()) == {0}


@pytest.mark.parametrize("nobody", ["", "  "])
def test_nobody_is_no_customer(warehouse, nobody):
    with pytest.raises(ConfigurationError, match="customer_id is empty"):
        erasure.erase_customer(warehouse, nobody, dry_run=False)


def test_an_id_is_no_pattern(shop):
    erasure.erase_customer(shop, ".*", dry_run=False)
    assert len(traces(shop)) == 13


@pytest.mark.parametrize("wrote_before", [True, False])
def test_what_a_running_stage_had_read_does_not_come_back(shop, wrote_before):
    """A publication that reads before the erasure and writes after it, or was writing when it began."""
    freeze = sa.text(
        "INSERT INTO marketing.audience_members (audience_id, customer_id, as_of_date, holdout)"
        " SELECT 'late', customer_id, :day, false FROM unnest(cast(:who AS text[])) AS who (customer_id)"
    )
    with ThreadPoolExecutor(1) as beside:
        with shop.begin("score") as connection:
            who = connection.execute(sa.text("SELECT DISTINCT customer_id FROM models.scores")).scalars().all()
            if wrote_before:
                connection.execute(freeze, {"day": D, "who": who})
            erasing = beside.submit(erasure.erase_customer, shop, WHO, dry_run=False)
            if wrote_before:
                time.sleep(1.5)
            else:
                while WHO in json.dumps(query(shop, "SELECT customer_id FROM models.scores")):
                    time.sleep(0.1)
                connection.execute(freeze, {"day": D, "who": who})
            assert not erasing.done()
        erasing.result(timeout=60)
    assert traces(shop) == {"raw.rejected_events": 1}
    late = query(shop, "SELECT customer_id FROM marketing.audience_members WHERE audience_id = 'late'")
    assert late == [{"customer_id": "other"}]


def test_a_database_error_names_nobody(shop, monkeypatch):
    def fail(connection, *_):
        connection.execute(sa.text("SELECT 1 / 0 WHERE :who <> ''"), {"who": WHO})

    monkeypatch.setattr(erasure, "find_person", fail)
    with pytest.raises(PlatformError, match="the database ended the erasure") as said:
        erasure.erase_customer(shop, WHO, dry_run=False)
    assert WHO not in str(said.value)
    assert said.value.__cause__ is None
