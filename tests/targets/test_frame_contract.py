"""The contract of rows to train on: what keeps to it passes, and each kind of breach is named with its column and remedy."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from customer_behavior.errors import CheckFailedError
from customer_behavior.targets.cutoffs import PARTS
from customer_behavior.targets.dataset import Dataset
from customer_behavior.targets.frame_contract import require_contract
from customer_behavior.targets.outcome import Kind
from customer_behavior.training.core import train
from customer_behavior.training.question import Question
from training.test_core import CUTOFFS, KEY, SETTINGS

FEATURES = ("visits", "country")


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ["a", "b", "c"],
            "as_of_date": [date(2024, 1, 1)] * 3,
            "visits": np.array([1, np.nan, 3], np.float32),
            "country": pd.Series(["DE", None, "US"], dtype=object),
            "label": np.array([0, 1, 0], np.int8),
            "weight": [1.0, 1.0, 2.5],
        }
    )


def refusal(broken: pd.DataFrame, kind: Kind = "probability") -> str:
    with pytest.raises(CheckFailedError) as refused:
        require_contract({"fit": frame(), "tune": broken}, FEATURES, kind)
    return str(refused.value)


def test_rows_with_missing_features_and_weights_keep_to_it():
    require_contract({"fit": frame(), "gap": frame().head(0)}, FEATURES, "probability")
    require_contract({"fit": frame().assign(label=[0.0, 12.5, 3.0])}, FEATURES, "amount")


@pytest.mark.parametrize(
    ("column", "values", "kind", "sentence"),
    [
        ("customer_id", ["a", None, "c"], "probability", "column customer_id: has no value (row 1, 1 of 3 rows)"),
        ("customer_id", [1, 2, 3], "probability", "column customer_id: 1 is no text (row 0, 3 of 3 rows)"),
        ("as_of_date", ["2024-01-01"] * 3, "probability", "column as_of_date: '2024-01-01' is no date"),
        ("as_of_date", [date(2024, 1, 1), None, date(2024, 1, 1)], "probability", "column as_of_date: has no value"),
        ("label", [0, 1, 2], "probability", "column label: 2 is not 0 or 1 (row 2, 1 of 3 rows); leave out rows"),
        ("label", [0.0, np.nan, 1.0], "probability", "column label: has no value (row 1"),
        ("label", [0.0, -3.0, 1.0], "amount", "column label: -3.0 is no amount of 0 or more (row 1"),
        ("label", [0.0, np.inf, 1.0], "amount", "column label: inf is no amount"),
        ("weight", [1.0, 0.0, 1.0], "probability", "column weight: 0.0 is no number above 0 (row 1"),
        ("weight", [1.0, np.nan, 1.0], "probability", "column weight: has no value (row 1"),
        (
            "visits",
            [1.0, np.inf, 2.0],
            "probability",
            "column visits: inf is no finite number (row 1",
        ),
        ("country", ["DE", 7, None], "probability", "column country: 7 is neither a number nor a text (row 1"),
    ],
)
def test_a_breach_names_part_column_value_row_and_remedy(column, values, kind, sentence):
    said = refusal(frame().assign(**{column: pd.Series(values, dtype=object if None in values else None)}), kind)
    assert said.startswith("the tune rows cannot be trained on: column")
    assert sentence in said
    assert said.split("; ", 1)[1]


def test_a_column_that_is_gone_or_there_twice_is_named_and_all_breaches_are_said_at_once():
    said = refusal(frame().drop(columns="country").assign(label=[0, 5, 1]))
    assert "column country is not there; correct the column where it is made, or leave it out of the features" in said
    assert "column label: 5 is not 0 or 1" in said
    twice = pd.concat([frame(), frame()[["visits"]]], axis=1)
    assert "column visits is there twice" in refusal(twice)


def test_a_training_refuses_rows_before_it_looks_at_them():
    data = Dataset(**{name: frame() for name in PARTS})
    broken = Dataset(**{**data.parts(), "calibration": frame().assign(weight=-1.0)})
    with pytest.raises(CheckFailedError, match="the calibration rows cannot be trained on: column weight"):
        train(broken, CUTOFFS, Question(KEY, FEATURES), date(2024, 2, 1), SETTINGS)
