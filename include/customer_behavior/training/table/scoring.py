"""A model of one table, asked about the rows of another."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from customer_behavior.data_quality.usability.finding import Finding
from customer_behavior.errors import BadInputError, CheckFailedError
from customer_behavior.models import Blend, Model, from_files
from customer_behavior.targets.frame_contract import OWN_COLUMNS
from customer_behavior.training.table.kinds import quoted, read_feature, texts_of
from customer_behavior.training.table.rows import different_names

PREDICTION = "prediction"


def read_model(folder: Path) -> Model:
    """Return the model that `write_results` wrote into `folder`/model, or into the folder itself.

    Raises
    ------
    BadInputError
        When there is none, or it cannot be read.
    """
    place = folder / "model" if (folder / "model").is_dir() else folder
    files = {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    try:
        return from_files(files)
    except CheckFailedError as error:
        raise BadInputError(f"{place} holds no model that train-table wrote: {error}") from error


def score_table(table: pd.DataFrame, model: Model) -> tuple[pd.DataFrame, list[Finding]]:
    """Return the table with a column `prediction` behind its own, and what was found in the columns that the model reads.

    Columns are read as `train_table` reads them, whatever their order; those that the model does not know are passed on.

    Parameters
    ----------
    table : DataFrame
        As `read_table` returns it.

    Returns
    -------
    DataFrame
        The same rows in the same order; `prediction` is a probability, or an amount where the model is of amounts.

    Raises
    ------
    BadInputError
        When a column is missing, holds texts where the model read numbers, or `prediction` is there already.
    """
    names = [str(name) for name in table.columns]
    if PREDICTION in names:
        raise BadInputError(f"the table has a column {PREDICTION} already: rename it, since that is what is added")
    called = different_names(names, OWN_COLUMNS)
    missing = [name for name in model.features if name not in called]
    if missing:
        raise BadInputError(
            f"the table has no column {', '.join(missing)}, which the model reads; it has {', '.join(names)}"
        )
    texts = _categories(model)
    found: list[Finding] = []
    columns: dict[str, pd.Series] = {}
    for name in model.features:
        column = table.iloc[:, called.index(name)]
        if name in texts:
            columns[name] = texts_of(column)
            continue
        feature = read_feature(name, column)
        if feature.values.dtype == object:
            words = feature.values.dropna().unique()
            raise BadInputError(
                f"column {name} was read as numbers by the model, and holds texts here: {quoted(words)}"
            )
        columns[name], found = feature.values, [*found, *feature.findings]
    rows = pd.DataFrame(columns, index=table.index)
    said = model.predict(rows) if len(rows) else np.empty(0)
    return table.assign(**{PREDICTION: said}), found


def _categories(model: Model) -> set[str]:
    parts: Sequence[object] = (model.trees, model.regression) if isinstance(model, Blend) else (model,)
    return {name for part in parts for name in getattr(part, "levels", {})}
