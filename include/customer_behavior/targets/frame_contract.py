"""The contract of a frame to train on: its columns, their types, and where a value may be missing.

The rows of the warehouse and those of a table of one's own keep to the same one, which stands at the door of a training.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from customer_behavior.errors import CheckFailedError
from customer_behavior.targets.outcome import Kind

if TYPE_CHECKING:
    import pandera.pandas as pa

OWN_COLUMNS = ("customer_id", "as_of_date", "label", "weight")
"""Columns that are no features: whose a row is, as of when, what came true, how many rows of the shop it stands for."""
REMEDY = {
    "customer_id": "name the column with the customer, without empty cells",
    "as_of_date": "name the column with the time at which the others were known",
    "label": "leave out rows without an outcome; a yes is 1, a no 0, an amount 0 or more",
    "weight": "a row that stands for itself alone has weight 1",
}
FEATURE_REMEDY = "correct the column where it is made, or leave it out of the features"


def frame_contract(kind: Kind) -> "pa.DataFrameSchema":
    """Return the contract of the columns that are no features. What holds of all:

    ===========  ======================  =======================================  ========
    column       type                    values                                   missing
    ===========  ======================  =======================================  ========
    customer_id  text                    any                                      never
    as_of_date   date                    any                                      never
    label        int or float            0 or 1; of an amount 0 or more, finite   never
    weight       float                   above 0, finite                          never
    a feature    float32, or texts       finite; any text                         may be
    ===========  ======================  =======================================  ========
    """
    import pandera.pandas as pa  # a quarter of a second, which scoring does not have to pay

    label = (
        pa.Check(_is_class, error="is not 0 or 1")
        if kind == "probability"
        else pa.Check(_is_amount, error="is no amount of 0 or more")
    )
    return pa.DataFrameSchema(
        {
            "customer_id": pa.Column(checks=pa.Check(_is_text, error="is no text"), nullable=False),
            "as_of_date": pa.Column(checks=pa.Check(_is_date, error="is no date"), nullable=False),
            "label": pa.Column(checks=label, nullable=False),
            "weight": pa.Column(checks=pa.Check(_is_weight, error="is no number above 0"), nullable=False),
        }
    )


def require_contract(parts: Mapping[str, pd.DataFrame], features: Sequence[str], kind: Kind) -> None:
    """Raise CheckFailedError unless the rows of each part keep to the contract; an empty part has none to keep.

    The message names every column that does not, with the part, the first row, its value and the remedy.
    """
    contract = frame_contract(kind)
    for part, rows in parts.items():
        if rows.empty:
            continue
        twice = rows.columns[rows.columns.duplicated()].unique()
        sentences = [f"column {name} is there twice; give each column a name of its own" for name in twice]
        sentences = sentences or [*_own_columns(contract, rows), *_features(rows, features)]
        if sentences:
            raise CheckFailedError(f"the {part} rows cannot be trained on: {'; '.join(sentences)}")


def require_columns(rows: pd.DataFrame, features: Sequence[str]) -> None:
    """Raise CheckFailedError, naming them, when columns that a model reads are gone."""
    gone = [name for name in features if name not in rows.columns]
    if gone:
        raise CheckFailedError(
            f"the rows have no column {', '.join(gone)}, which the model reads: bring the column back, or run "
            "train_models with features.yaml as it is now"
        )


def _own_columns(contract: "pa.DataFrameSchema", rows: pd.DataFrame) -> list[str]:
    from pandera.errors import SchemaErrors

    own = rows[[name for name in OWN_COLUMNS if name in rows]]
    try:
        contract.validate(own, lazy=True)
    except SchemaErrors as errors:
        failures = errors.failure_cases
    else:
        return []
    gone = failures["check"] == "column_in_dataframe"
    sentences = [_gone(str(name)) for name in failures.loc[gone, "failure_case"]]
    for column, wrong in failures[~gone].groupby("column", sort=False):
        first = wrong.iloc[0]
        what = (
            "has no value" if first["check"] == "not_nullable" else f"{_shown(first['failure_case'])} {first['check']}"
        )
        sentences.append(_breach(str(column), what, first["index"], len(wrong), len(rows)))
    return sentences


def _features(rows: pd.DataFrame, features: Sequence[str]) -> list[str]:
    """Return what is wrong with the features; one look at all numbers, since a shop has a hundred columns of them."""
    sentences = [_gone(name) for name in features if name not in rows]
    there = [name for name in features if name in rows]
    numbers = [name for name in there if pd.api.types.is_numeric_dtype(rows[name])]
    if numbers:
        endless = np.isinf(rows[numbers].to_numpy(dtype=np.float64))
        for place in np.flatnonzero(endless.any(axis=0)):
            wrong = np.flatnonzero(endless[:, place])
            value = rows[numbers[place]].iloc[wrong[0]]
            sentences.append(
                _breach(
                    numbers[place], f"{_shown(value)} is no finite number", rows.index[wrong[0]], len(wrong), len(rows)
                )
            )
    for name in set(there) - set(numbers):
        values = rows[name].dropna()
        strange = values[~_is_text(values)]
        if len(strange):
            what = f"{_shown(strange.iloc[0])} is neither a number nor a text"
            sentences.append(_breach(name, what, strange.index[0], len(strange), len(rows)))
    return sentences


def _gone(column: str) -> str:
    return f"column {column} is not there; {_remedy(column)}"


def _breach(column: str, what: str, row: object, count: int, of: int) -> str:
    return f"column {column}: {what} (row {row}, {count:,} of {of:,} rows); {_remedy(column)}"


def _remedy(column: str) -> str:
    return REMEDY.get(column, FEATURE_REMEDY)


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def _is_text(values: pd.Series) -> pd.Series:
    return values.map(lambda value: isinstance(value, str))


def _is_date(values: pd.Series) -> pd.Series:
    return values.map(lambda value: isinstance(value, date))


def _is_class(values: pd.Series) -> pd.Series:
    return values.isin([0, 1])


def _is_amount(values: pd.Series) -> pd.Series:
    return _numbers(values).between(0, np.inf, inclusive="left")


def _is_weight(values: pd.Series) -> pd.Series:
    return _numbers(values).between(0, np.inf, inclusive="neither")


def _numbers(values: pd.Series) -> pd.Series:
    return pd.to_numeric(values, errors="coerce")
