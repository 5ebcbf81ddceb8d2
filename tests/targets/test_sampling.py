"""Which rows are read and what they stand for: the plan alone, and through SQL with a low cap."""

from datetime import date, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from customer_behavior.features import snapshot
from customer_behavior.names import Role
from customer_behavior.settings import TargetKey, load_settings, load_targets
from customer_behavior.stages import train_models
from customer_behavior.targets import dataset as dataset_module
from customer_behavior.targets.cutoffs import PARTS, Cutoffs
from customer_behavior.targets.dataset import Dataset, read_dataset, read_rows
from customer_behavior.targets.sampling import MINIMUM_PER_STRATUM, allocate, fit_weights, row_weights, strata
from support.rollup_shop import FIRST_DAY, open_shop, purchases, small_config

pytestmark = pytest.mark.usefixtures("blank_page")

DAYS = [date(2024, 1, 1) + timedelta(days=7 * n) for n in range(4)]
KEY = TargetKey(target="purchase", horizon_days=7)
CUTOFFS = Cutoffs(
    fit=(FIRST_DAY + timedelta(days=30), FIRST_DAY + timedelta(days=37)),
    calibration=(FIRST_DAY + timedelta(days=44),),
    test=(FIRST_DAY + timedelta(days=51),),
)
KNOWN_AT = FIRST_DAY + timedelta(days=60)
FEATURES = load_settings().features


def of_label(counts: dict, label: int) -> int:
    return sum(rows for (_, one), rows in counts.items() if one == label)


@given(
    st.dictionaries(st.tuples(st.sampled_from(DAYS), st.sampled_from([0, 1])), st.integers(0, 50_000), max_size=8),
    st.integers(8, 30_000),
)
def test_a_plan_keeps_the_cap_and_leaves_no_stratum_out(totals, cap):
    kept = allocate(totals, cap)
    assert sum(kept.values()) <= cap
    for stratum, rows in totals.items():
        assert kept.get(stratum, 0) <= rows
    if sum(totals.values()) <= cap:
        assert kept == totals
    else:
        assert sum(kept.values()) >= cap - len(totals)  # rounding down, once a stratum
    if cap >= 8 * 4:  # a quarter of the rows is room for one row of each date
        assert all(kept[stratum] > 0 for stratum, rows in totals.items() if rows)


def test_the_rarer_outcome_gets_a_quarter_or_its_own_share_or_all_it_has():
    day = DAYS[0]
    assert allocate({(day, 1): 5_000, (day, 0): 95_000}, 10_000) == {(day, 1): 2_500, (day, 0): 7_500}
    assert allocate({(day, 1): 95_000, (day, 0): 5_000}, 10_000) == {(day, 1): 7_500, (day, 0): 2_500}
    assert allocate({(day, 1): 40_000, (day, 0): 60_000}, 10_000) == {(day, 1): 4_000, (day, 0): 6_000}
    assert allocate({(day, 1): 900, (day, 0): 99_100}, 10_000) == {(day, 1): 900, (day, 0): 9_100}


def test_dates_are_sampled_at_one_rate_and_small_ones_keep_what_they_have():
    totals = {(DAYS[0], 0): 60_000, (DAYS[1], 0): 30_000, (DAYS[2], 0): 80, (DAYS[0], 1): 9_000, (DAYS[2], 1): 1}
    kept = allocate(totals, 12_000)
    assert kept[DAYS[2], 0] == 80
    assert kept[DAYS[2], 1] == 1
    rates = [(kept[day, 0] - MINIMUM_PER_STRATUM) / (totals[day, 0] - MINIMUM_PER_STRATUM) for day in DAYS[:2]]
    assert rates[0] == pytest.approx(rates[1], abs=1e-4)


def test_rows_that_stand_for_themselves_have_no_weights():
    rows = pd.DataFrame({"weight": [1.0, 1.0]})
    assert row_weights(rows) is None
    assert fit_weights(None) is None
    weights = fit_weights(row_weights(rows.assign(weight=[1.0, 3.0])))
    assert weights is not None
    assert weights.tolist() == [0.5, 1.5]


@pytest.fixture
def shop(warehouse, config):
    open_shop(warehouse, purchases(60, customers=900), 60)
    for day in CUTOFFS.all():
        snapshot.build(warehouse, load_settings(), day, role=Role.TRAIN)
    return warehouse


def dataset(warehouse, **changes) -> Dataset:
    settings = load_targets()
    chosen = settings.training.model_copy(update=changes)
    with warehouse.begin("train") as connection:
        return read_dataset(connection, settings.targets["purchase"], KEY, CUTOFFS, KNOWN_AT, FEATURES, chosen)


def caps(fit: int = 400, calibration: int = 200, test: int = 150):
    return load_targets().training.max_rows.model_copy(update={"fit": fit, "calibration": calibration, "test": test})


def test_a_sample_stands_for_every_row_of_its_shop(shop):
    whole, sampled = dataset(shop), dataset(shop, max_rows=caps())
    for name, cap in (("fit", 400), ("calibration", 200), ("test", 150)):
        full, part = getattr(whole, name), getattr(sampled, name)
        assert cap - 4 <= len(part) <= cap < len(full)
        assert (full["weight"] == 1).all()
        assert part.groupby(["as_of_date", "label"])["weight"].sum().to_dict() == pytest.approx(
            full.groupby(["as_of_date", "label"]).size().to_dict()
        )
        found = part.merge(full.drop(columns="weight"), how="inner", on=list(full.columns.drop("weight")))
        assert len(found) == len(part)  # the same rows as in the whole, values and label, none twice
        assert [one.total for one in strata(part)] == [one.kept for one in strata(full)]
    assert sampled.strata()["test"][1].weight > 1


def test_the_same_rows_are_drawn_every_time_and_others_with_another_seed_or_date(shop):
    first, second = dataset(shop, max_rows=caps()), dataset(shop, max_rows=caps())
    pd.testing.assert_frame_equal(first.fit, second.fit)
    other = dataset(shop, max_rows=caps(), seed=2)
    assert set(other.test["customer_id"]) != set(first.test["customer_id"])
    days = [set(rows["customer_id"]) for _, rows in dataset(shop, max_rows=caps(fit=800)).fit.groupby("as_of_date")]
    assert 0.2 < len(days[0] & days[1]) / len(days[0]) < 0.9


def test_a_date_is_read_in_blocks_as_it_is_at_once(shop, monkeypatch):
    at_once = dataset(shop)
    monkeypatch.setattr(dataset_module, "BLOCK_ROWS", 7)
    pd.testing.assert_frame_equal(dataset(shop).fit, at_once.fit)
    assert at_once.fit[list(FEATURES)].dtypes.unique().tolist() == ["float32"]


def test_a_limit_is_for_a_label(shop):
    with shop.begin("train") as connection:
        rows = read_rows(
            connection,
            load_targets().targets["purchase"],
            7,
            CUTOFFS.test[0],
            KNOWN_AT,
            FEATURES,
            positives=10,
            negatives=30,
        )
    assert rows["label"].value_counts().to_dict() == {1: 10, 0: 30}


def nightly(warehouse, folder, promote=False, days=120, **training_settings) -> tuple[dict, dict]:
    small_config(folder, **training_settings)
    as_of = FIRST_DAY + timedelta(days=days)
    summary = train_models.train_targets(warehouse, as_of, promote=promote, run_id="test", targets=[KEY])[0]
    with warehouse.begin() as connection:
        card = connection.execute(
            sa.text("SELECT card FROM models.model_versions WHERE model_id = :name"), {"name": summary["model_id"]}
        ).scalar_one()
    return summary, card


def test_a_night_says_what_it_read_and_a_cap_that_is_not_reached_changes_nothing(warehouse, config):
    open_shop(warehouse, purchases(120, customers=900), 120)
    free, whole = nightly(warehouse, config)
    count = free["rows"]["fit"]
    exact, _ = nightly(warehouse, config, max_rows={"fit": count, "tune": 10**9, "calibration": 10**9, "test": 10**9})
    assert exact["model_id"] == free["model_id"]
    assert exact["evaluations"] == free["evaluations"]
    assert "sampled_from" not in whole
    assert set(whole["strata"]) == set(PARTS)
    assert all(one["weight"] == 1 for part in whole["strata"].values() for one in part)

    capped, card = nightly(
        warehouse, config, max_rows={"fit": count // 2, "tune": 10**9, "calibration": 500, "test": 10**9}
    )
    assert capped["model_id"] != free["model_id"]
    again, _ = nightly(
        warehouse, config, max_rows={"fit": count // 2, "tune": 10**9, "calibration": 500, "test": 10**9}
    )
    assert {**again, "duration_seconds": 0} == {**capped, "duration_seconds": 0}
    assert capped["rows"]["fit"] <= count // 2
    assert set(card["sampled_from"]) == {"fit", "calibration"}
    assert card["sampled_from"]["fit"] == {"rows": count, "positives": whole["positives"]["fit"]}
    assert set(card["strata"]) == set(PARTS)
    for part, read in card["strata"].items():
        assert sum(one["total"] for one in read) == whole["rows"][part]
        assert sum(one["kept"] for one in read) == capped["rows"][part]
        assert {one["as_of_date"] for one in read} == set(card["cutoffs"][part])


def test_the_gate_compares_on_what_the_test_rows_stand_for(warehouse, config):
    open_shop(warehouse, purchases(120, customers=900), 120)
    nightly(warehouse, config, promote=True, days=113)
    second, card = nightly(
        warehouse, config, promote=True, max_rows={"fit": 400, "tune": 400, "calibration": 400, "test": 150}
    )
    assert {one["weight"] > 1.1 for one in card["strata"]["test"]} == {True}
    assert f"on {second['rows']['test']} rows" in second["reason"]
