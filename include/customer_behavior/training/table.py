"""Training from any table with a label and a time column: no event log, no database."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path

import numpy as np
import pandas as pd

from customer_behavior.errors import BadInputError
from customer_behavior.settings import TargetKey, Training, load_targets
from customer_behavior.training.core import Question, Trained, train
from customer_behavior.training.cutoffs import Cutoffs
from customer_behavior.training.dataset import Dataset
from customer_behavior.training.outcome import Kind

SHARES = {"fit": 0.5, "tune": 0.15, "calibration": 0.15, "report": 0.2}
"""Share of the rows that each part gets, in order of time."""
YES, NO = ("1", "1.0", "true", "t", "yes", "y"), ("0", "0.0", "false", "f", "no", "n")


def train_table(
    table: pd.DataFrame,
    *,
    label: str,
    time: str,
    customer: str | None = None,
    kind: Kind = "probability",
    label_days: int = 0,
    leave_out: Sequence[str] = (),
    settings: Training | None = None,
) -> Trained:
    """Train, calibrate and judge a model of a table's rows, as `train_models` does it for the shop's targets.

    The days of the time column are cut into parts to fit, tune, calibrate and report, in order of time. Every other column
    is a feature: numbers and yes/no as numbers, text as categories.

    Parameters
    ----------
    table : DataFrame
        A row per session, customer and date, or whatever is asked of.
    label : str
        Column with the answer: yes or no (also 0/1, true/false), or an amount of 0 or more.
    time : str
        Column with the time at which the other columns were known; a date or a stamp, naive or with a zone (then UTC).
    customer : str, optional
        Column whose rows belong together: intervals draw them together. Each row for itself by default.
    label_days : int
        Days that the label looks ahead of the time; rows whose label reaches into the next part are left out.
    leave_out : sequence of str
        Columns that are no features.
    settings : Training, optional
        `training` of targets.yaml by default.

    Raises
    ------
    BadInputError
        When a column is missing, a time or label cannot be read (the first one is named), or the table is empty.
    """
    settings = settings or load_targets().training
    named = [label, time, *([customer] if customer else []), *leave_out]
    missing = [name for name in named if name not in table.columns]
    if missing:
        raise BadInputError(
            f"the table has no column {', '.join(missing)}; it has {', '.join(map(str, table.columns))}"
        )
    if table.empty:
        raise BadInputError("the table has no rows")
    rows = pd.DataFrame(
        {
            "customer_id": table[customer].astype(str) if customer else pd.Series(table.index.astype(str), table.index),
            "as_of_date": _days(table[time]),
            "label": _labels(table[label], kind),
            "weight": 1.0,
        }
    )
    taken = {*named, *rows.columns}
    features = {name: _feature(table[name]) for name in table.columns if name not in taken}
    rows = pd.concat([rows, pd.DataFrame(features, index=table.index)], axis=1).reset_index(drop=True)
    cutoffs = split_days(rows["as_of_date"], label_days)
    data = Dataset(
        **{name: rows[rows["as_of_date"].isin(days)].reset_index(drop=True) for name, days in cutoffs.parts().items()}
    )
    question = Question(TargetKey(target=label, horizon_days=max(label_days, 1)), tuple(features), kind, unique_by="")
    return train(data, cutoffs, question, max(rows["as_of_date"]) + timedelta(days=max(label_days, 1)), settings)


def split_days(days: pd.Series, label_days: int) -> Cutoffs:
    """Return the days of each part, by the shares of their rows; days whose label reaches into the next part are in none."""
    counts = days.value_counts().sort_index()
    ends = np.cumsum(counts.to_numpy()) / counts.sum()
    limits = list(accumulate(SHARES.values()))
    place = np.searchsorted(np.array(limits[:-1]) + 1e-9, ends)
    parts = {
        name: [day for day, at in zip(counts.index, place, strict=True) if at == number]
        for number, name in enumerate(SHARES)
    }
    later: date | None = None
    for name in reversed(parts):
        if later is not None:
            parts[name] = [day for day in parts[name] if day + timedelta(days=label_days) <= later]
        later = min(parts[name], default=later)
    return Cutoffs(**{name: tuple(known) for name, known in parts.items()})


def read_table(path: Path) -> pd.DataFrame:
    """Return a CSV (.csv, .csv.gz, .tsv), JSON Lines (.jsonl) or Parquet file; BadInputError when it is none or unreadable."""
    name = path.name.lower()
    try:
        if name.endswith((".parquet", ".pq")):
            return pd.read_parquet(path)
        if name.endswith((".jsonl", ".jsonl.gz")):
            return pd.read_json(path, lines=True)
        if name.endswith((".tsv", ".tsv.gz")):
            return pd.read_csv(path, sep="\t")
        if name.endswith((".csv", ".csv.gz")):
            return pd.read_csv(path)
    except FileNotFoundError as error:
        raise BadInputError(f"{path} does not exist") from error
    except (ValueError, OSError, UnicodeError) as error:
        raise BadInputError(f"{path} cannot be read: {error}") from error
    raise BadInputError(f"{path}: a table is a .csv, .tsv, .jsonl or .parquet file")


def write_results(trained: Trained, folder: Path, page: str) -> None:
    """Write the model's files, its numbers (evaluations.json) and its report (report.html) into a folder."""
    model = folder / "model"
    model.mkdir(parents=True, exist_ok=True)
    for name, content in trained.model.files().items():
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_bytes(content)
    (folder / "evaluations.json").write_text(json.dumps(trained.evaluations, indent=2, default=float) + "\n")
    (folder / "report.html").write_text(page)


def summary(trained: Trained) -> Iterator[str]:
    """Yield what a person wants to know first: what serves, how good it is beside the others, and what was found."""
    recipe = trained.model.recipe
    kind = "" if trained.model.kind == trained.served else f" ({trained.model.kind})"
    yield f"served by {trained.served}{kind}, confidence {recipe['confidence']}"
    if recipe.get("why"):
        yield f"  because {recipe['why']}"
    yield "rows: " + ", ".join(f"{name} {count:,}" for name, count in recipe["rows"].items() if count)
    shown = (
        ("auc", "brier", "ece", "lift10")
        if trained.question.kind == "probability"
        else ("deviance", "mae", "gini", "lift10")
    )
    if trained.evaluations:
        yield f"{'on the newest rows':24}" + "".join(f"{name:>10}" for name in shown)
    for row in trained.evaluations:
        yield f"{row['contender']:24}" + "".join(f"{row[name]:10.4f}" for name in shown)
    for finding in trained.findings:
        yield f"{finding.severity}: {finding.statement}; {finding.fix}"


def _days(column: pd.Series) -> pd.Series:
    stamps = pd.to_datetime(column, errors="coerce", utc=True, format="mixed")
    _require(stamps.notna(), column, "cannot be read as a time")
    return stamps.dt.date


def _labels(column: pd.Series, kind: Kind) -> pd.Series:
    if kind == "amount":
        amounts = pd.to_numeric(column, errors="coerce")
        _require((amounts >= 0) & np.isfinite(amounts), column, "is no amount of 0 or more")
        return amounts.astype(np.float64)
    words = column.astype(str).str.strip().str.lower()
    _require(words.isin([*YES, *NO]), column, "is neither yes nor no (1 or 0, true or false)")
    return words.isin(YES).astype(np.int8)


def _require(good: pd.Series, column: pd.Series, complaint: str) -> None:
    if not good.all():
        place = int(np.flatnonzero(~good.to_numpy())[0])
        raise BadInputError(
            f"column {column.name}: {column.tolist()[place]!r} in row {place + 1} {complaint}; {int((~good).sum())} rows are like it"
        )


def _feature(column: pd.Series) -> pd.Series:
    """Return a column as models read it: numbers as float32, times as seconds since 1970 (UTC), the rest as text."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return pd.Series(column.astype("int64").where(column.notna()), dtype="float64").astype(np.float32)
    if pd.api.types.is_numeric_dtype(column):
        return column.astype("float64").astype(np.float32)
    return column.astype(object).where(column.notna(), None).map(lambda value: None if value is None else str(value))
