"""From a table's columns to labelled rows, split by time, and to a model of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from customer_behavior.data_quality.usability.finding import Finding, numbered, ranked
from customer_behavior.errors import BadInputError
from customer_behavior.settings import TargetKey, Training
from customer_behavior.targets.cutoffs import Cutoffs
from customer_behavior.targets.dataset import Dataset
from customer_behavior.targets.frame_contract import OWN_COLUMNS
from customer_behavior.targets.outcome import Kind
from customer_behavior.training.core import Trained, train, with_card
from customer_behavior.training.question import Question
from customer_behavior.training.table.answers import read_labels
from customer_behavior.training.table.kinds import read_feature, texts_of
from customer_behavior.training.table.split import Split, split_days, split_findings
from customer_behavior.training.table.times import read_stamps
from customer_behavior.training.table.wording import in_table_words

MOST_DAYS = 3660
RARE = 10
"""Rows of the rarer outcome on the newest days under which numbers on them say next to nothing."""


def train_table(
    table: pd.DataFrame,
    *,
    label: str,
    time: str,
    customer: str | None = None,
    kind: Kind = "probability",
    yes: str | None = None,
    label_days: int = 0,
    leave_out: Sequence[str] = (),
    split: Split = "time",
    settings: Training,
) -> Trained:
    """Train, calibrate and judge a model of a table's rows, as `train_models` does it for the shop's targets.

    The days of the time column are cut into parts to fit, tune, calibrate and test, in order of time. Every other column
    is a feature, whatever it is called: numbers and yes/no as numbers, dates as seconds since 1970, text as categories. A
    column that has the name of one that the core adds (`OWN_COLUMNS`), or of one before it, gets a number: `weight.1`. Rows
    without a time or a label are left out, with a finding.

    Parameters
    ----------
    table : DataFrame
        A row per session, customer and date, or whatever is asked of.
    label : str
        Column with the answer: yes or no (also 0/1, true/false, or two words), or an amount of 0 or more.
    time : str
        Column with the time at which the other columns were known; a date or a stamp, naive or with a zone (then UTC).
    customer : str, optional
        Column whose rows belong together: intervals draw them together. Each row for itself by default.
    yes : str, optional
        The answer that counts as yes; every other one is no.
    label_days : int
        Days that the label looks ahead of the time; rows whose label reaches into the next part are left out.
    leave_out : sequence of str
        Columns that are no features.
    split : "time" or "random"
        "random" holds out a fifth of the customers, or rows, five times over, whatever their time; it says what that flatters.
    settings : Training
        As `training` of targets.yaml.

    Raises
    ------
    BadInputError
        When a column is missing, a time or label cannot be read (the first one is named), a column means two things at
        once, or the table is empty.
    """
    if not 0 <= label_days <= MOST_DAYS:
        raise BadInputError(f"the label looks {label_days} days ahead: it can be 0 to {MOST_DAYS}")
    table = _named(table)
    named = [label, time, *([customer] if customer is not None else []), *leave_out]
    _require_columns(table, named, (label, time, customer))
    found: list[Finding] = []
    times, answers = texts_of(table[time]), texts_of(table[label])
    stamps = read_stamps(time, table[time], times)
    labels, said = read_labels(label, answers, kind, yes)
    found += said
    found += [*_without(time, times, "time"), *_without(label, answers, "label")]
    kept = stamps.notna() & labels.notna()
    if not kept.any():
        raise BadInputError(f"no row has both a time ({time}) and a label ({label})")
    columns, renamed = _features(table[kept], [name for name in table.columns if name not in named])
    rows = pd.DataFrame(
        {
            "customer_id": _customers(table, customer)[kept],
            "as_of_date": stamps[kept].dt.date,
            "label": labels[kept].astype(np.int8 if kind == "probability" else np.float64),
            "weight": 1.0,
            **{name: feature.values for name, feature in columns.items()},
        }
    ).reset_index(drop=True)
    found += [*renamed, *(finding for feature in columns.values() for finding in feature.findings)]
    cutoffs = split_days(rows["as_of_date"], label_days) if split == "time" else Cutoffs(fit=_different_days(rows))
    found += split_findings(rows["as_of_date"], cutoffs, label_days, split)
    data = Dataset(
        **{name: rows[rows["as_of_date"].isin(days)].reset_index(drop=True) for name, days in cutoffs.parts().items()}
    )
    question = Question(TargetKey(target=label, horizon_days=max(label_days, 1)), tuple(columns), kind, unique_by="")
    as_of = max(rows["as_of_date"]) + timedelta(days=max(label_days, 1))
    trained = train(data, cutoffs, question, as_of, settings, findings=found, hold_out_customers=split == "random")
    trained = replace(trained, findings=ranked(in_table_words(finding) for finding in trained.findings))
    return _unmeasured(trained)


def _different_days(rows: pd.DataFrame) -> tuple[date, ...]:
    return tuple(sorted(rows["as_of_date"].unique()))


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its columns under different names, all of them texts, and its rows from 0 on."""
    return table.set_axis(different_names([str(name) for name in table.columns], ()), axis="columns").reset_index(
        drop=True
    )


def different_names(names: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Return the names, those that are there already with a number behind them."""
    used = set(taken)
    found = []
    for name in names:
        one, number = name, 0
        while one in used or (number and one in names):
            number += 1
            one = f"{name}.{number}"
        used.add(one)
        found.append(one)
    return found


def _require_columns(table: pd.DataFrame, named: Sequence[str], roles: tuple[str, str, str | None]) -> None:
    missing = [name for name in named if name not in table.columns]
    if missing:
        raise BadInputError(f"the table has no column {', '.join(missing)}; it has {', '.join(table.columns)}")
    given = [name for name in roles if name is not None]
    if len(set(given)) < len(given):
        raise BadInputError(f"label, time and customer are {', '.join(given)}: they have to be different columns")
    if table.empty:
        raise BadInputError("the table has no rows")


def _without(name: str, texts: pd.Series, what: str) -> list[Finding]:
    """Return what is said of rows without a time or a label: they are left out."""
    count = int(texts.isna().sum())
    if not count:
        return []
    said = f"{numbered(count, 'row')} of {len(texts):,} have no {what} ({name}), and are left out"
    fix = f"fill {name}, unless those rows are meant to be left out"
    return [Finding("warning", f"without_{what}", said, fix, {"column": name, "rows": count})]


def _customers(table: pd.DataFrame, customer: str | None) -> pd.Series:
    """Return whose each row is; a row without a customer is nobody else's."""
    alone = "row " + table.index.astype(str).to_series(table.index)
    return alone if customer is None else texts_of(table[customer]).fillna(alone)


def _features(table: pd.DataFrame, names: Sequence[str]) -> tuple[dict, list[Finding]]:
    called = different_names(names, OWN_COLUMNS)
    columns = {one: read_feature(one, table[name]) for name, one in zip(names, called, strict=True)}
    moved = [f"{name} is called {one}" for name, one in zip(names, called, strict=True) if name != one]
    if not moved:
        return columns, []
    said = f"{', '.join(moved)} in the model: the name is one of the platform's own"
    return columns, [
        Finding("note", "column_renamed", said, "nothing has to be done; a model reads it by that name", {})
    ]


def _unmeasured(trained: Trained) -> Trained:
    """Return the training with low confidence where the newest days cannot tell how good its model is."""
    test, card = trained.data.test, trained.model.card
    if test.empty or card["confidence"] == "low":
        return trained
    came_true = int((test["label"] > 0).sum())
    rarer = min(came_true, len(test) - came_true) if trained.question.kind == "probability" else came_true
    if rarer >= RARE:
        return trained
    days = trained.cutoffs.test
    why = (
        f"of the {numbered(len(test), 'row')} of the newest days ({days[0]} to {days[-1]}) that are to judge the model"
        f" {'none is' if rarer == 0 else f'only {rarer} are'} of the rarer outcome: how good it is cannot be measured"
        if trained.question.kind == "probability"
        else f"of the {numbered(len(test), 'row')} of the newest days ({days[0]} to {days[-1]}) only {rarer} are above 0: how good"
        " the model is cannot be measured"
    )
    return replace(trained, model=with_card(trained.model, {**card, "confidence": "low", "why": why}))
