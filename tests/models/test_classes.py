"""Classes of recency, frequency and money."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from customer_behavior.errors import CheckFailedError
from customer_behavior.evaluation.metrics import auc
from customer_behavior.models import RfmClasses, fit_rfm, from_files

COLUMNS = ("days_since_purchase", "purchase_days_90d", "revenue_90d")


def customers(rows: int = 4_000, seed: int = 1) -> pd.DataFrame:
    """Return customers of whom the recent ones buy more often, and among them the frequent ones."""
    random = np.random.default_rng(seed)
    recency = random.integers(1, 180, rows).astype(np.float32)
    frequency = random.poisson(3, rows).astype(np.float32)
    chance = np.where(recency < 40, np.where(frequency > 3, 0.8, 0.4), 0.1)
    recency[random.random(rows) < 0.05] = np.nan
    return pd.DataFrame(
        {
            "days_since_purchase": recency,
            "purchase_days_90d": frequency,
            "revenue_90d": random.gamma(2, 30, rows).astype(np.float32),
            "label": (random.random(rows) < chance).astype(int),
            "weight": 1.0,
        }
    )


def fitted(rows: pd.DataFrame, **options) -> RfmClasses:
    return fit_rfm(rows, **{"kind": "probability", "card": {"confidence": "low", "why": "few rows"}, **options})


def test_classes_rank_later_customers_and_mean_what_they_say():
    model, later = fitted(customers()), customers(seed=2)
    predicted = model.predict(later)
    assert model.features == COLUMNS
    assert auc(later["label"].to_numpy(), predicted) > 0.72
    for low, high in ((0.0, 0.2), (0.2, 0.6), (0.6, 1.0)):
        inside = (predicted >= low) & (predicted < high)
        assert later.loc[inside, "label"].mean() == pytest.approx(predicted[inside].mean(), abs=0.05)


def test_files_come_back_as_the_same_model_byte_by_byte():
    model, rows = fitted(customers()), customers(seed=3)
    again = from_files(model.files())
    assert again == model
    assert again.files() == model.files() == fitted(customers()).files()
    assert np.array_equal(again.predict(rows), model.predict(rows))
    content = json.loads(model.files()["model.json"])
    assert content["card"] == {"confidence": "low", "why": "few rows"}
    with pytest.raises(ValueError, match="are not those of the classes"):
        RfmClasses.from_json({**content, "values": [[0.1], [0.2]]})


def test_contributions_sum_to_the_log_odds():
    model, rows = fitted(customers()), customers(300, seed=3)
    predicted, shares = model.explain(rows)
    assert shares.shape == (300, 3)
    assert np.allclose(logit(model.values[0][0]) + shares.sum(axis=1), logit(predicted), atol=1e-5)
    recent = (rows["days_since_purchase"] < 30).to_numpy()
    assert shares[recent, 0].min() > 0 > shares[(rows["days_since_purchase"] > 60).to_numpy(), 0].max()
    assert np.abs(shares[:, 2]).mean() < np.abs(shares[:, 1]).mean()  # money tells nothing here, frequency does


def test_a_class_nobody_was_in_has_the_value_of_the_classes_it_is_part_of():
    rows = customers()
    rows = rows[~((rows["days_since_purchase"] < 90) & (rows["purchase_days_90d"] > 3))].dropna()
    model = fitted(rows, monetary=None)
    unseen = pd.DataFrame({"days_since_purchase": [5.0, np.nan, 5.0], "purchase_days_90d": [9.0, np.nan, np.nan]})
    recent = model.values[1][0]
    predicted = model.predict(unseen)
    assert predicted[0] == pytest.approx(recent)
    assert predicted[1] == pytest.approx(model.values[0][0])
    assert predicted[2] == pytest.approx(recent)


def test_missing_values_are_a_class_of_their_own():
    rows = customers()
    rows.loc[rows["days_since_purchase"].isna(), "label"] = 1
    none = rows[rows["days_since_purchase"].isna()]
    assert fitted(rows, frequency=None, monetary=None).predict(none).min() > 0.9


def test_few_rows_shrink_towards_everyone_and_chance_does_so_all_the_way():
    few, many = (fitted(customers(rows), monetary=None) for rows in (150, 40_000))
    assert np.ptp(few.values[1]) < np.ptp(many.values[1])
    random = np.random.default_rng(0)
    shuffled = customers(2_000)
    shuffled["label"] = random.integers(0, 2, len(shuffled))
    assert np.ptp(fitted(shuffled).predict(shuffled)) < 0.1


def test_weights_are_rows():
    rows = customers(500)
    times = np.where(rows["label"] == 1, 1, 3)
    repeated = rows.loc[rows.index.repeat(times)]
    weighted = fitted(rows.assign(weight=times.astype(float)), monetary=None)
    assert weighted.edges == fitted(repeated, monetary=None).edges
    assert weighted.values[0] == fitted(repeated, monetary=None).values[0]
    assert weighted.predict(rows).mean() < fitted(rows, monetary=None).predict(rows).mean() - 0.05


def test_amounts_have_mean_amounts_and_logarithms():
    rows = customers()
    rows["label"] = rows["label"] * 50.0
    model = fitted(rows, kind="amount")
    predicted, shares = model.explain(rows)
    assert predicted.mean() == pytest.approx(rows["label"].mean(), rel=0.02)
    assert np.allclose(np.log(model.values[0][0]) + shares.sum(axis=1), np.log(predicted), atol=1e-4)
    assert from_files(model.files()) == model


def test_values_are_mapped_class_by_class():
    rows = customers(500)
    model = fitted(rows)
    assert np.allclose(model.mapped(lambda value: value / 2).predict(rows), model.predict(rows) / 2)


def test_without_columns_or_rows_everyone_has_one_value():
    rows = customers(100)
    plain = fitted(rows[["label", "weight"]])
    assert plain.features == ()
    assert plain.predict(rows).tolist() == [pytest.approx((rows["label"].sum() + 1) / 102)] * 100
    assert plain.explain(rows)[1].shape == (100, 0)
    empty = fitted(rows.iloc[:0])
    assert set(empty.predict(rows)) == {0.5}


def test_a_column_that_is_gone_is_named():
    with pytest.raises(CheckFailedError, match="no column purchase_days_90d"):
        fitted(customers(100)).predict(customers(100).drop(columns="purchase_days_90d"))


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.integers(0, 5)), st.one_of(st.none(), st.integers(0, 3)), st.integers(0, 1)),
        max_size=40,
    ),
    st.integers(1, 7),
)
def test_whatever_the_rows_probabilities_are_inside_0_and_1(rows, classes):
    frame = pd.DataFrame(rows, columns=["days_since_purchase", "purchase_days_90d", "label"], dtype="float64")
    model = fitted(frame.assign(weight=1.0), classes=classes)
    asked = pd.DataFrame({"days_since_purchase": [0.0, np.nan, 99.0], "purchase_days_90d": [9.0, 0.0, np.nan]})
    predicted, shares = model.explain(pd.concat([frame, asked]))
    assert ((predicted > 0) & (predicted < 1)).all()
    assert np.isfinite(shares).all()
