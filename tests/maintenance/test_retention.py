"""Retention: what is too old goes, what models and monitoring need stays, and a dry run touches nothing."""

from datetime import date

import pytest
import yaml

from customer_behavior.errors import CheckFailedError, ConfigurationError
from customer_behavior.paths import INCLUDE_DIR
from customer_behavior.settings import load_settings
from customer_behavior.stages import maintain_warehouse
from customer_behavior.warehouse import ensure_partitions
from support.mornings import D, days, execute, query, write_events, write_model, write_scores, write_snapshot

TODAY = date(2024, 6, 15)
CONFIG_DIR = INCLUDE_DIR / "config"
PARTITIONS = (
    "SELECT parent.relname || ' ' || part.relname AS name FROM pg_inherits JOIN pg_class AS part ON part.oid = inhrelid"
    " JOIN pg_class AS parent ON parent.oid = inhparent WHERE part.relkind = 'r'"
)


@pytest.fixture(autouse=True)
def applied(tmp_path, monkeypatch):
    """A configuration in which retention is applied; return what changes it."""
    told = yaml.safe_load((CONFIG_DIR / "retention.yaml").read_text())

    def configure(**changes):
        folder = tmp_path / "config"
        folder.mkdir(exist_ok=True)
        for path in CONFIG_DIR.glob("*.yaml"):
            (folder / path.name).write_text(path.read_text())
        (folder / "retention.yaml").write_text(yaml.safe_dump({**told, "apply": True, **changes}))
        monkeypatch.setenv("CUSTOMER_BEHAVIOR_CONFIG", str(folder))

    configure()
    return configure


def knows(warehouse, newest=TODAY):
    """Let the ledger know of the day before a date."""
    execute(
        warehouse,
        "INSERT INTO raw.ingest_batches (source, batch_date, status, files, rows_read, rows_accepted, rows_rejected,"
        " rows_duplicate, event_days) VALUES ('clock', :day, 'loaded', '{}', 0, 0, 0, 0, ARRAY[cast(:day AS date)])",
        day=newest - days(1),
    )


def partitions(warehouse, table):
    return sorted(row["name"].split()[1] for row in query(warehouse, PARTITIONS) if row["name"].startswith(f"{table} "))


def test_events_go_by_the_month_they_are_too_old(warehouse):
    knows(warehouse)
    # 25 months before 15 June 2024 is 15 May 2022: that day is kept, the day before it goes.
    for day in (date(2022, 5, 14), date(2022, 5, 15), date(2024, 6, 1)):
        write_events(warehouse, [{"customer_id": "ann", "product_id": "milk", "event_day": day}])
    assert maintain_warehouse.apply_retention(warehouse, dry_run=True)["partitions"] == ["raw.events_20220514"]
    assert partitions(warehouse, "events") == ["events_20220514", "events_20220515", "events_20240601"]
    done = maintain_warehouse.apply_retention(warehouse, dry_run=False, run_id="r")
    assert done["partitions"] == ["raw.events_20220514"]
    assert partitions(warehouse, "events") == ["events_20220515", "events_20240601"]
    (write,) = query(warehouse, "SELECT table_name, slice, run_id FROM monitoring.write_audit")
    assert write == {"table_name": "raw.events", "slice": "dropped raw.events_20220514", "run_id": "r"}
    assert maintain_warehouse.apply_retention(warehouse, dry_run=False)["partitions"] == []


def test_it_is_a_dry_run_unless_asked_otherwise(warehouse):
    knows(warehouse)
    write_events(warehouse, [{"customer_id": "ann", "product_id": "milk", "event_day": date(2020, 1, 1)}])
    assert maintain_warehouse.apply_retention(warehouse)["dry_run"] is True
    assert partitions(warehouse, "events") == ["events_20200101"]


def test_snapshots_of_promoted_models_stay(warehouse):
    knows(warehouse)
    old = [TODAY - days(age) for age in (37, 38, 50, 60, 70, 80)]
    for day in old:
        write_snapshot(warehouse, day, {"ann": {}})
    write_model(warehouse, "serving", fit=[old[2]], calibration=[old[3]])
    write_model(warehouse, "never promoted", fit=[old[4]], promoted=False)
    execute(
        warehouse,
        "UPDATE models.model_versions SET test_dates = ARRAY[:day]::date[] WHERE model_id = 'serving'",
        day=old[5],
    )
    maintain_warehouse.apply_retention(warehouse, dry_run=False)
    kept = [row["as_of_date"] for row in query(warehouse, "SELECT DISTINCT as_of_date FROM features.customer_snapshot")]
    assert sorted(kept) == sorted([old[0], old[2], old[3], old[5]])


def test_sessions_go_when_they_are_too_old_to_learn_from(warehouse):
    knows(warehouse)
    kept_days = load_settings().retention.sessions_days
    old = [TODAY - days(age) for age in (kept_days + 1, kept_days, 1)]
    with warehouse.begin() as connection:
        for day in old:
            ensure_partitions(connection, "features.session_snapshot", day, day)
    maintain_warehouse.apply_retention(warehouse, dry_run=False)
    assert partitions(warehouse, "session_snapshot") == [f"session_snapshot_{day:%Y%m%d}" for day in old[1:]]


def test_scores_go_by_days_and_marketing_by_whole_months(warehouse):
    knows(warehouse)
    # 400 days before 15 June 2024 is 12 May 2023: April 2023 goes, May is not over.
    for day in (date(2023, 5, 11), date(2023, 5, 12)):
        write_scores(warehouse, day, {"ann": 0.5})
    for month in (date(2023, 4, 1), date(2023, 5, 1)):
        with warehouse.begin() as connection:
            for table in ("customer_scores", "target_scores", "product_recommendations", "action_recommendations"):
                ensure_partitions(connection, f"marketing.{table}", month, month, unit="month")
    for day in (date(2023, 5, 11), date(2023, 5, 12)):
        execute(
            warehouse,
            "INSERT INTO marketing.insights (as_of_date, insight, statement, details) VALUES (:d, 'x', 'x', '{}')",
            d=day,
        )
    done = maintain_warehouse.apply_retention(warehouse, dry_run=False)
    assert done["partitions"] == [
        "models.scores_20230511",
        "marketing.customer_scores_202304",
        "marketing.target_scores_202304",
        "marketing.product_recommendations_202304",
        "marketing.action_recommendations_202304",
    ]
    assert partitions(warehouse, "scores") == ["scores_20230512"]
    assert done["rows"]["marketing.insights"] == 1
    assert [row["as_of_date"] for row in query(warehouse, "SELECT as_of_date FROM marketing.insights")] == [
        date(2023, 5, 12)
    ]


def test_checkpoints_go_with_their_sums(warehouse):
    knows(warehouse)
    # 13 months before 15 June 2024 is 15 May 2023: the checkpoint of May goes, that of June stays.
    for month in (date(2023, 5, 1), date(2023, 6, 1)):
        execute(warehouse, "INSERT INTO features.checkpoints VALUES (:d, :d, 'x')", d=month)
        execute(
            warehouse,
            "INSERT INTO features.customer_checkpoint (checkpoint_date, customer_id, first_event_day,"
            " last_event_day, purchase_days, gap_squares, orders, revenue) VALUES (:d, 'ann', :d, :d, 0, 0, 0, 0)",
            d=month,
        )
    rows = maintain_warehouse.apply_retention(warehouse, dry_run=False)["rows"]
    for table in ("features.checkpoints", "features.customer_checkpoint"):
        assert rows[table] == 1
        kept = query(warehouse, f"SELECT checkpoint_date FROM {table}")
        assert kept == [{"checkpoint_date": date(2023, 6, 1)}]


def test_the_audit_is_thinned_and_says_so(warehouse):
    knows(warehouse)
    for stamp in ("2024-03-16 23:59:00+00", "2024-03-17 00:00:00+00"):  # 90 days before 15 June are 17 March
        execute(
            warehouse,
            "INSERT INTO monitoring.write_audit (table_name, slice, rows_deleted, rows_written, written_at)"
            " VALUES ('t', :stamp, 0, 0, :stamp)",
            stamp=stamp,
        )
    assert maintain_warehouse.apply_retention(warehouse)["rows"]["monitoring.write_audit"] == 1
    maintain_warehouse.apply_retention(warehouse, dry_run=False)
    slices = [row["slice"] for row in query(warehouse, "SELECT slice FROM monitoring.write_audit ORDER BY audit_id")]
    assert slices == ["2024-03-17 00:00:00+00", "before 2024-03-17"]


def test_unloaded_and_young_is_kept(warehouse):
    knows(warehouse, D + days(35))
    write_snapshot(warehouse, D, {"ann": {}})
    assert maintain_warehouse.apply_retention(warehouse, dry_run=False)["partitions"] == []


def test_ages_count_from_the_newest_date_that_the_data_knows(warehouse):
    for day in (date(2017, 1, 1), date(2017, 6, 1), date(2017, 12, 31)):
        write_events(warehouse, [{"customer_id": "ann", "product_id": "milk", "event_day": day}])
        write_scores(warehouse, day, {"ann": 0.5})
    knows(warehouse, date(2018, 1, 1))
    done = maintain_warehouse.apply_retention(warehouse, dry_run=False)
    assert (done["newest"], done["partitions"]) == ("2018-01-01", [])


def test_a_day_that_came_empty_tells_no_date(warehouse):
    knows(warehouse, date(2018, 1, 1))
    execute(
        warehouse,
        "INSERT INTO raw.ingest_batches (source, batch_date, status, files, rows_read, rows_accepted, rows_rejected,"
        " rows_duplicate, event_days) VALUES ('till', '2026-11-24', 'empty', '{}', 0, 0, 0, 0, '{}')",
    )
    assert maintain_warehouse.apply_retention(warehouse)["newest"] == "2018-01-01"


def test_of_an_empty_warehouse_nothing_is_too_old(warehouse):
    assert maintain_warehouse.apply_retention(warehouse, dry_run=False)["newest"] is None


def test_nothing_is_removed_until_the_file_says_so(warehouse, applied):
    applied(apply=False)
    for day in (date(2022, 5, 14), date(2024, 6, 1), date(2024, 6, 2)):
        write_events(warehouse, [{"customer_id": "ann", "product_id": "milk", "event_day": day}])
    knows(warehouse)
    assert maintain_warehouse.apply_retention(warehouse)["partitions"] == ["raw.events_20220514"]
    with pytest.raises(ConfigurationError, match="apply: false, so nothing was removed"):
        maintain_warehouse.apply_retention(warehouse, dry_run=False)
    assert len(partitions(warehouse, "events")) == 3


def test_the_shipped_file_removes_nothing():
    assert yaml.safe_load((CONFIG_DIR / "retention.yaml").read_text())["apply"] is False


@pytest.mark.parametrize(
    "kept", ["customer_scores", "target_scores", "product_recommendations", "action_recommendations"]
)
def test_the_newest_ready_morning_stays_with_what_it_needs(warehouse, kept):
    knows(warehouse)
    ready, later = date(2022, 1, 10), [date(2022, 1, 11), date(2022, 1, 12), date(2024, 6, 14)]
    for day in (ready - days(2), ready - days(1), ready, *later):
        write_scores(warehouse, day, {"ann": 0.5})
        write_snapshot(warehouse, day, {"ann": {}})
        execute(
            warehouse,
            "INSERT INTO marketing.status (as_of_date, ready, customers, model_version, model_trained_as_of, warnings)"
            " VALUES (:day, :ready, 1, 'm', :day, '{}')",
            day=day,
            ready=day <= ready,
        )
    for month in (date(2021, 12, 1), date(2022, 1, 1), date(2022, 2, 1)):
        with warehouse.begin() as connection:
            ensure_partitions(connection, f"marketing.{kept}", month, month, unit="month")
    maintain_warehouse.apply_retention(warehouse, dry_run=False, largest_share=1.0)
    assert partitions(warehouse, kept) == [f"{kept}_202201", f"{kept}_202202"]
    for table in ("scores", "customer_snapshot"):
        assert partitions(warehouse, table) == [f"{table}_20220110", f"{table}_20240614"]
    status = query(warehouse, "SELECT as_of_date FROM marketing.status ORDER BY 1")
    assert [row["as_of_date"] for row in status] == [ready, date(2024, 6, 14)]


def test_more_than_the_share_stops_with_the_numbers_and_the_remedy(warehouse):
    old = [date(2021, 1, 1) + days(n) for n in range(3)]
    for day in (*old, date(2024, 6, 14)):
        write_events(warehouse, [{"customer_id": "ann", "product_id": "milk", "event_day": day}])
    knows(warehouse)
    with pytest.raises(
        CheckFailedError,
        match=r"75% of raw\.events \(3 partitions before 2022-05-15\): more than the 50%.*largest_share",
    ):
        maintain_warehouse.apply_retention(warehouse, dry_run=False)
    assert len(partitions(warehouse, "events")) == 4
    assert len(maintain_warehouse.apply_retention(warehouse)["partitions"]) == 3  # a dry run says what it would be
    assert len(maintain_warehouse.apply_retention(warehouse, dry_run=False, largest_share=0.8)["partitions"]) == 3


def test_one_batch_of_a_wrong_year_does_not_empty_the_warehouse(warehouse):
    for n in range(4):
        write_events(warehouse, [{"customer_id": "ann", "product_id": "milk", "event_day": date(2024, 6, 1) + days(n)}])
    knows(warehouse, date(2099, 1, 2))
    with pytest.raises(CheckFailedError, match="Is that the newest date of the shop's data"):
        maintain_warehouse.apply_retention(warehouse, dry_run=False)
    assert len(partitions(warehouse, "events")) == 4
