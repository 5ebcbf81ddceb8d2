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


def frame_contract(features: Sequence[str], kind: Kind) -> "pa.DataFrameSchema":
    """Return the contract of rows with these features.

    ===========  ======================  =======================================  ========
    column       type                    values                                   missing
    ===========  ======================  =======================================  ========
    customer_id  text                    any                                      never
    as_of_date   date                    any                                      never
    label        int or float            0 or 1; of an amount 0 or more, finite  never
    weight       float                   above 0, finite                          never
    a feature    float32, or texts       finite; any text                         may be
    ===========  ======================  =======================================  ========
    """
    import pandera.pandas as pa  # a quarter of a second, which scoring does not have to pay

    label = pa.Check(
        _is_class if kind == "probability" else _is_amount,
        error="is not 0 or 1" if kind == "probability" else "is no amount of 0 or more",
    )
    return pa.DataFrameSchema(
        {
            "customer_id": pa.Column(checks=pa.Check(_is_text, error="is no text"), nullable=False),
            "as_of_date": pa.Column(checks=pa.Check(_is_date, error="is no date"), nullable=False),
            "label": pa.Column(checks=label, nullable=False),
            "weight": pa.Column(checks=pa.Check(_is_weight, error="is no number above 0"), nullable=False),
            **{
                name: pa.Column(
                    checks=pa.Check(_is_feature, error="is neither a finite number nor a text"), nullable=True
                )
                for name in features
            },
        },
        unique_column_names=True,
    )


def require_contract(parts: Mapping[str, pd.DataFrame], features: Sequence[str], kind: Kind) -> None:
    """Raise CheckFailedError unless the rows of each part keep to the contract; an empty part has none to keep.

    The message names every column that does not, with the part, the first row, its value and the remedy.
    """
    from pandera.errors import SchemaErrors

    contract = frame_contract(features, kind)
    for part, rows in parts.items():
        if rows.empty:
            continue
        try:
            contract.validate(rows, lazy=True)
        except SchemaErrors as errors:
            sentences = _sentences(errors.failure_cases, rows)
            raise CheckFailedError(f"the {part} rows cannot be trained on: {'; '.join(sentences)}") from errors


def require_columns(rows: pd.DataFrame, features: Sequence[str]) -> None:
    """Raise CheckFailedError, naming them, when columns that a model reads are gone."""
    gone = [name for name in features if name not in rows.columns]
    if gone:
        raise CheckFailedError(
            f"the rows have no column {', '.join(gone)}, which the model reads: bring the column back, or run "
            "train_models with features.yaml as it is now"
        )


def _sentences(failures: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    sentences = []
    missing = failures[failures["check"] == "column_in_dataframe"]["failure_case"].astype(str).tolist()
    for name in missing:
        sentences.append(f"column {name} is not there; {_remedy(name)}")
    twice = rows.columns[rows.columns.duplicated()].unique()
    for name in twice:
        sentences.append(f"column {name} is there twice; give each column a name of its own")
    values = failures[~failures["check"].isin(["column_in_dataframe", "dataframe_column_labels_unique"])]
    for column, wrong in values.groupby("column", sort=False):
        first = wrong.iloc[0]
        what = (
            "has no value" if first["check"] == "not_nullable" else f"{_shown(first['failure_case'])} {first['check']}"
        )
        sentences.append(
            f"column {column}: {what} (row {first['index']}, {len(wrong):,} of {len(rows):,} rows); {_remedy(str(column))}"
        )
    return sentences


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


def _is_feature(values: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values):
        return pd.Series(np.isfinite(values.to_numpy(dtype=np.float64)), values.index)
    return _is_text(values)


def _numbers(values: pd.Series) -> pd.Series:
    return pd.to_numeric(values, errors="coerce")
