"""What is found about the rows of a training, and about what the warehouse was given."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

from customer_behavior.data_quality.usability import Finding, inspect, inspect_sources
from customer_behavior.data_quality.usability.columns import degenerate_columns
from customer_behavior.data_quality.usability.drift import stability_index
from customer_behavior.features import snapshot
from customer_behavior.names import Role
from customer_behavior.paths import sources_dir
from customer_behavior.settings import load_settings
from customer_behavior.warehouse import copy_frame
from support.rollup_shop import FIRST_DAY, SOURCE, open_shop, purchases

DAYS = {"fit": range(4), "tune": range(5, 6), "calibration": range(7, 9), "test": range(10, 11)}
FEATURES = ("days_since_purchase", "revenue_90d", "orders_28d", "country")


def rows(days: range, customers: int = 400, rate: float = 0.2, seed: int = 1) -> pd.DataFrame:
    """Return customers of some weeks, of whom `rate` buys."""
    random = np.random.default_rng([seed, days.start])
    count = customers * len(days)
    return pd.DataFrame(
        {
            "customer_id": [f"c{n}" for _ in days for n in range(customers)],
            "as_of_date": [FIRST_DAY + timedelta(days=7 * day) for day in days for _ in range(customers)],
            "days_since_purchase": random.integers(1, 90, count).astype(np.float32),
            "revenue_90d": random.gamma(2, 40, count).astype(np.float32),
            "orders_28d": random.poisson(1.5, count).astype(np.float32),
            "country": random.choice(["DE", "FR", "US"], count).astype(object),
            "label": (random.random(count) < rate).astype(np.int8),
            "weight": 1.0,
        }
    )


def parts(**changed) -> dict[str, pd.DataFrame]:
    return {name: rows(days) for name, days in DAYS.items()} | changed


def look(given: dict[str, pd.DataFrame], features=FEATURES, kind="probability", **options) -> list[Finding]:
    minima = {"minimum_rows": 500, "minimum_positives": 50} | options
    return inspect(given, features, load_settings().features, kind=kind, **minima)


def only(found: list[Finding], key: str) -> Finding:
    assert [one.finding for one in found] == [key]
    assert found[0].statement and len(found[0].fix) > 20
    json.dumps(found[0].details)
    return found[0]


def test_rows_without_a_flaw_have_no_findings():
    assert look(parts()) == []
    amounts = parts()
    for part in amounts.values():
        part["label"] = part["label"] * part["revenue_90d"].astype(float)
    assert look(amounts, kind="amount") == []


@pytest.mark.parametrize("part", ["fit", "calibration", "test"])
def test_a_part_without_rows_blocks(part):
    found = only(look(parts(**{part: rows(DAYS[part]).iloc[:0]})), "empty_part")
    assert found.severity == "blocking"
    assert found.details == {"parts": [part]}


def test_a_tuning_without_rows_does_not_block_and_one_that_is_not_planned_is_fine():
    assert only(look(parts(tune=rows(range(1)).iloc[:0])), "empty_part").severity == "warning"
    planned = parts()
    del planned["tune"]
    assert look(planned) == []
    assert only(look({}), "empty_part").severity == "blocking"


def test_too_few_rows_and_too_few_of_the_rarer_outcome_block():
    found = only(look(parts(), minimum_rows=1_601), "few_rows")
    assert (found.severity, found.details) == ("blocking", {"rows": 1600, "minimum_rows": 1601})
    for rate in (0.2, 0.8):
        given = {name: rows(days, rate=rate) for name, days in DAYS.items()}
        rarer = int(min((given["fit"]["label"] == one).sum() for one in (0, 1)))
        assert look(given, minimum_positives=rarer) == []
        assert only(look(given, minimum_positives=rarer + 1), "few_positives").severity == "blocking"


def test_one_class_blocks_in_the_fit_and_warns_later():
    assert only(look({"fit": rows(DAYS["fit"], rate=0)}), "one_class").severity == "blocking"
    assert only(look(parts(test=rows(DAYS["test"], rate=0))), "one_class").severity == "warning"


@pytest.mark.parametrize(("kind", "value"), [("probability", 2.0), ("probability", np.nan), ("amount", -1.0)])
def test_labels_that_mean_nothing_block(kind, value):
    given = parts()
    given["fit"] = given["fit"].astype({"label": float})
    given["fit"].loc[7, "label"] = value
    found = only(look(given, kind=kind), "unusable_label")
    assert (found.severity, found.details) == ("blocking", {"part": "fit", "rows": 1})


def test_an_extreme_rate_is_named():
    given = {name: rows(days, customers=5_000, rate=0.003) for name, days in DAYS.items()}
    assert only(look(given), "extreme_rate").details["rate"] == pytest.approx(0.003, abs=0.001)


def test_a_rate_that_moved_is_named_and_one_that_moved_by_chance_is_not():
    found = only(look(parts(calibration=rows(DAYS["calibration"], rate=0.35))), "rate_moved")
    assert (found.details["before"], found.details["after"]) in [("tune", "calibration"), ("calibration", "test")]
    for seed in range(30):
        given = {name: rows(days, seed=seed) for name, days in DAYS.items()}
        assert look(given) == [], seed
    large = {name: rows(days, customers=30_000) for name, days in DAYS.items()}
    large["test"] = rows(DAYS["test"], customers=30_000, rate=0.21)  # more than chance, and nothing to act on
    assert look(large) == []


def test_a_rate_counts_the_rows_that_are_stood_for():
    test = rows(DAYS["test"], rate=0.5)
    test["weight"] = np.where(test["label"] == 1, 1.0, 4.0)
    assert look(parts(test=test)) == []
    assert only(look(parts(test=test.assign(weight=1.0))), "rate_moved").severity == "warning"


def test_a_column_that_is_gone_blocks_and_the_others_are_still_looked_at():
    given = parts()
    given["test"] = given["test"].drop(columns="revenue_90d")
    for part in given.values():
        part["orders_28d"] = np.float32(0)
    found = look(given)
    assert [(one.severity, one.finding) for one in found] == [("blocking", "column_gone"), ("note", "constant_column")]
    assert found[0].details == {"columns": ["revenue_90d"], "parts": ["test"]}
    assert "features.customer_day.{orders}" in found[1].fix


def test_the_fix_is_one_that_the_door_has():
    constant = rows(DAYS["fit"]).assign(carts=1.0)
    for catalogue, fix in (
        ({}, "train-table: --leave-out"),
        (load_settings().model_features("session"), "session_features.yaml"),
    ):
        (found,) = degenerate_columns(constant, ["carts"], catalogue)
        assert fix in found.fix


def test_columns_that_say_nothing_are_notes():
    given = parts()
    for part in given.values():
        part["days_since_purchase"] = np.float32(np.nan)
        part.loc[part.index[3:], "revenue_90d"] = np.nan
        part["country"] = None
    found = {one.finding: one for one in look(given)}
    assert set(found) == {"all_missing", "nearly_missing"}
    assert found["all_missing"].details == {"columns": ["days_since_purchase", "country"]}
    assert found["nearly_missing"].details == {"columns": ["revenue_90d"]}
    assert {one.severity for one in found.values()} == {"note"}


def test_values_that_went_missing_after_the_fit_are_a_warning():
    given = parts()
    given["test"]["revenue_90d"] = np.float32(np.nan)
    found = look(given)
    assert [one.finding for one in found] == ["values_lost", "drift_in_window"]
    assert list(found[0].details["missing"]) == ["revenue_90d"]


def test_a_category_with_a_value_for_each_row_is_a_warning():
    given = parts()
    for part in given.values():
        part["country"] = part["customer_id"]
    assert only(look(given), "category_of_ids").details == {"columns": ["country"]}


def test_a_customer_twice_on_a_date_is_a_warning():
    given = parts()
    given["fit"] = pd.concat([given["fit"], given["fit"].iloc[:3]], ignore_index=True)
    found = only(look(given), "repeated_rows")
    assert found.details["rows"] == {"fit": 3, "tune": 0, "calibration": 0, "test": 0}
    assert look(given, entity="session_id") == []


def test_parts_that_overlap_in_time_block():
    found = look(parts(calibration=rows(range(10, 11), customers=300)))
    assert [(one.severity, one.finding) for one in found] == [("blocking", "parts_overlap")]


def test_rows_alike_are_a_note_where_amounts_are_fine_and_nothing_where_values_are_few():
    given = parts()
    fit = given["fit"]
    fit.loc[fit.index[:60], list(FEATURES)] = fit.loc[fit.index[60:120], list(FEATURES)].to_numpy()
    assert only(look(given), "alike_rows").details["rows"] == 120
    assert look(given, ("orders_28d", "country")) == []


def test_what_moved_most_is_named_first_and_many_moves_are_a_warning():
    given = parts()
    given["test"]["revenue_90d"] *= 5
    one = only(look(given), "drift_in_window")
    assert list(one.details["features"]) == ["revenue_90d"]
    assert look(given, (*FEATURES, *(f"noise_{n}" for n in range(3))))[0].finding == "column_gone"
    given["test"]["country"] = "XX"
    both = only(look(given), "drift_in_window")
    assert set(both.details["features"]) == {"country", "revenue_90d"}
    assert both.severity == "warning"
    values = list(both.details["features"].values())
    assert values == sorted(values, reverse=True)


def test_the_index_is_near_0_without_a_move_and_counts_missing_values():
    random = np.random.default_rng(0)
    weight = np.ones(100)
    still = [
        stability_index((pd.Series(random.normal(size=100)), weight), (pd.Series(random.normal(size=100)), weight))
        for _ in range(200)
    ]
    assert np.mean(still) < 0.06  # without the share of chance 0.18
    values = pd.Series(random.normal(size=4_000))
    gone = values.mask(random.random(4_000) < 0.5)
    assert stability_index((values, np.ones(4_000)), (gone, np.ones(4_000))) > 1


def test_weightier_findings_come_first():
    given = parts()
    given["test"]["country"] = "XX"
    given["fit"]["orders_28d"] = np.float32(0)
    order = [one.severity for one in look(given, minimum_rows=10**6)]
    assert order == sorted(order, key=("blocking", "warning", "note").index)
    assert order[0] == "blocking" and order[-1] == "note"


# --- the warehouse

AS_OF = FIRST_DAY + timedelta(days=40)


@pytest.fixture
def shop(warehouse, config):
    """Forty full days of one source, each batch with events of its day."""
    open_shop(warehouse, purchases(40), 40)
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE raw.ingest_batches SET rows_read = 100, rows_accepted = 100, event_days = ARRAY[batch_date]"
            )
        )
    return warehouse


def ask(warehouse, as_of: date = AS_OF) -> list[Finding]:
    with warehouse.begin("train") as connection:
        return inspect_sources(connection, load_settings().shop.sources, as_of)


def change(warehouse, statement: str, **values) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.text(statement), values)


def test_a_fresh_warehouse_has_no_findings(shop):
    assert ask(shop) == []


def test_batches_after_the_date_are_not_known_to_it(shop):
    change(
        shop,
        "UPDATE raw.ingest_batches SET rows_rejected = 90, rows_accepted = 10 WHERE batch_date >= :day",
        day=AS_OF - timedelta(days=5),
    )
    assert ask(shop, AS_OF - timedelta(days=5)) == []
    assert only(ask(shop), "rejected_rows").severity == "warning"


def test_a_late_source_is_named_with_the_day_to_run(shop):
    late = only(ask(shop, AS_OF + timedelta(days=3)), "late_source")
    assert late.details == {"source": SOURCE, "newest_batch": str(AS_OF - timedelta(days=1)), "days_late": 3}
    assert f"run ingest_events for {AS_OF}" in late.fix


def test_missing_and_empty_days_are_counted(shop):
    change(
        shop,
        "DELETE FROM raw.ingest_batches WHERE batch_date = ANY(:days)",
        days=[AS_OF - timedelta(days=n) for n in (5, 9)],
    )
    assert only(ask(shop), "missing_batches").details == {"source": SOURCE, "missing": 2, "of": 28}
    change(
        shop,
        "UPDATE raw.ingest_batches SET rows_read = 0, rows_accepted = 0, event_days = '{}', status = 'empty' WHERE batch_date = :day",
        day=AS_OF - timedelta(days=2),
    )
    assert [one.finding for one in ask(shop)] == ["missing_batches", "empty_batches"]
    change(shop, "UPDATE raw.ingest_batches SET status = 'closed' WHERE status = 'empty'")
    assert [one.finding for one in ask(shop)] == ["missing_batches"]


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A folder with the shop's source alone, in place of the shipped ones."""
    folder = tmp_path / "sources"
    folder.mkdir()
    shutil.copy(sources_dir() / f"{SOURCE}.yaml", folder)
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_SOURCES", str(folder))
    return folder


def close(folder: Path, *days: str) -> None:
    path = folder / f"{SOURCE}.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"calendar": {"closed": list(days)}}))


def test_a_closed_day_is_no_finding(shop, sources):
    weekdays = [AS_OF - timedelta(days=n) for n in range(1, 29) if (AS_OF - timedelta(days=n)).weekday() in (5, 6)]
    change(shop, "DELETE FROM raw.ingest_batches WHERE batch_date = ANY(:days)", days=weekdays[:3])
    emptied = "UPDATE raw.ingest_batches SET rows_read = 0, rows_accepted = 0, event_days = '{}', status = 'empty'"
    change(shop, f"{emptied} WHERE batch_date = ANY(:days)", days=weekdays[3:])
    assert [one.finding for one in ask(shop)] == ["missing_batches", "empty_batches"]
    close(sources, "sat")
    left = sum(day.weekday() == 6 for day in weekdays[:3])
    assert [one.details for one in ask(shop)] == [
        {"source": SOURCE, "missing": left, "of": 24},
        {"source": SOURCE, "empty": 4 - left, "of": 24 - left},
    ]
    close(sources, "sat", "sun")
    assert ask(shop) == []


def test_days_on_which_the_shop_is_closed_are_not_late_nor_still(shop, sources):
    later = AS_OF + timedelta(days=3)
    close(sources, *(str(AS_OF + timedelta(days=n)) for n in range(3)))
    assert ask(shop, later) == []
    still = "UPDATE raw.ingest_batches SET event_days = ARRAY[least(batch_date, :day)]"
    change(shop, still, day=AS_OF - timedelta(days=5))
    assert only(ask(shop), "stale_events")
    close(sources, *(str(AS_OF - timedelta(days=n)) for n in (2, 3)))
    assert ask(shop) == []


def test_days_long_ago_do_not_count(shop):
    change(shop, "DELETE FROM raw.ingest_batches WHERE batch_date = :day", day=AS_OF - timedelta(days=30))
    assert ask(shop) == []


def test_batches_that_repeat_old_events_are_stale(shop):
    change(
        shop, "UPDATE raw.ingest_batches SET event_days = ARRAY[least(batch_date, :day)]", day=AS_OF - timedelta(days=4)
    )
    assert only(ask(shop), "stale_events").details["newest_event_day"] == str(AS_OF - timedelta(days=4))


def test_duplicates_are_a_note_and_many_a_warning(shop):
    change(shop, "UPDATE raw.ingest_batches SET rows_duplicate = 10, rows_accepted = 90")
    assert only(ask(shop), "duplicate_events").severity == "note"
    change(shop, "UPDATE raw.ingest_batches SET rows_duplicate = 40, rows_accepted = 60")
    assert only(ask(shop), "duplicate_events").severity == "warning"


def test_a_source_without_batches_is_named(shop, config):
    content = yaml.safe_load((config / "shop.yaml").read_text())
    (config / "shop.yaml").write_text(yaml.safe_dump(content | {"sources": [SOURCE, "ga4"]}))
    assert only(ask(shop), "source_without_batches").details == {"source": "ga4"}


def test_customers_taken_for_staff_or_bots_are_counted(shop, config):
    content = yaml.safe_load((config / "shop.yaml").read_text())
    people = sorted(purchases(40)["customer_id"].unique())
    (config / "shop.yaml").write_text(yaml.safe_dump(content | {"staff": people[:2]}))
    snapshot.build(shop, load_settings(), AS_OF, role=Role.TRAIN)
    found = only(ask(shop), "flagged_customers")
    assert (found.severity, found.details["staff"], found.details["customers"]) == ("note", 2, len(people))
    (config / "shop.yaml").write_text(yaml.safe_dump(content | {"staff": people[: len(people) // 10]}))
    snapshot.build(shop, load_settings(), AS_OF, role=Role.TRAIN)
    assert only(ask(shop), "flagged_customers").severity == "warning"


def test_an_empty_warehouse_names_its_sources(warehouse, config):
    assert only(ask(warehouse), "source_without_batches").severity == "warning"


def test_a_quiet_source_may_have_empty_days(warehouse, config):
    days = [AS_OF - timedelta(days=n) for n in range(28, 0, -1)]
    ledger = pd.DataFrame({"batch_date": days}).assign(
        source=SOURCE, status="loaded", files="{}", rows_rejected=0, rows_duplicate=0
    )
    ledger["rows_read"] = ledger["rows_accepted"] = [0 if n % 3 == 1 else 4 for n in range(28)]
    ledger["event_days"] = [f"{{{day}}}" for day in days]
    with warehouse.begin() as connection:
        copy_frame(connection, "raw.ingest_batches", ledger)
    assert ask(warehouse) == []
