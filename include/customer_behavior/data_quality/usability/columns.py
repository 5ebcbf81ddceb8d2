"""Columns that say nothing, say too much, or are gone."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from customer_behavior.data_quality.usability.finding import Finding, named, numbered
from customer_behavior.settings import Feature

NEARLY_MISSING = 0.99
LOST_SHARE = 0.5
"""Rise of the share of missing values, from the fit to a later part, that no customer behaviour makes."""
UNIQUE_SHARE = 0.9
MINIMUM_ROWS = 20


def gone_columns(parts: Mapping[str, pd.DataFrame], features: Sequence[str]) -> list[Finding]:
    """Return the features that a part lacks."""
    gone = [name for name in features if any(name not in rows for rows in parts.values())]
    if not gone:
        return []
    where = [part for part, rows in parts.items() if any(name not in rows for name in gone)]
    return [
        Finding(
            "blocking",
            "column_gone",
            f"{numbered(len(gone), 'column')} that the model is to read {'is' if len(gone) == 1 else 'are'} not among the rows:"
            f" {named(gone)}",
            "bring the column back (features.customer_snapshot is filled by customer_behavior/features/snapshot.py;"
            " a table by its export), or take it out of include/config/features.yaml",
            {"columns": gone, "parts": where},
        )
    ]


def degenerate_columns(fit: pd.DataFrame, features: Sequence[str], catalogue: Mapping[str, Feature]) -> list[Finding]:
    """Return the columns that are constant, without values, or a name for each row."""
    missing = {name: float(fit[name].isna().mean()) for name in features}
    unknown = [name for name in features if missing[name] == 1]
    nearly = [name for name in features if NEARLY_MISSING <= missing[name] < 1]
    constant = [name for name in features if missing[name] == 0 and _is_constant(fit[name])]
    names = [name for name in features if _names_rows(fit, name)]
    findings = []
    if names:
        findings.append(
            Finding(
                "warning",
                "category_of_ids",
                f"{numbered(len(names), 'category column')} with nearly as many values as rows: {named(names)}",
                "take it out (model: false in include/config/features.yaml, or out of the table's features), or replace it"
                " by a group that customers share",
                {"columns": names},
            )
        )
    for key, columns, said in (
        ("all_missing", unknown, "without a single value"),
        ("nearly_missing", nearly, f"with a value in less than {1 - NEARLY_MISSING:.0%} of the rows"),
        ("constant_column", constant, "with the same value in every row"),
    ):
        if columns:
            findings.append(
                Finding(
                    "note",
                    key,
                    f"{len(columns)} of {numbered(len(features), 'column')} to fit {said}: {named(columns)}",
                    _feed(columns, catalogue),
                    {"columns": columns},
                )
            )
    return findings


def lost_columns(
    parts: Mapping[str, pd.DataFrame], features: Sequence[str], catalogue: Mapping[str, Feature]
) -> list[Finding]:
    """Return the columns whose values went missing after the fit."""
    lost: dict[str, dict[str, float]] = {}
    for name in features:
        shares = {part: float(rows[name].isna().mean()) for part, rows in parts.items()}
        if max(shares.values()) - shares["fit"] >= LOST_SHARE:
            lost[name] = shares
    if not lost:
        return []
    first, shares = next(iter(lost.items()))
    return [
        Finding(
            "warning",
            "values_lost",
            f"{numbered(len(lost), 'column')} lost values after the dates to fit: {named(list(lost))}; {first} is missing in"
            f" {shares['fit']:.0%} of the rows to fit and in up to {max(shares.values()):.0%} later",
            _feed(list(lost), catalogue),
            {"missing": lost},
        )
    ]


def _is_constant(column: pd.Series) -> bool:
    return bool((column == column.iloc[0]).all())


def _names_rows(fit: pd.DataFrame, name: str) -> bool:
    """Return whether a category column has nearly as many values as rows, on its fullest date."""
    if pd.api.types.is_numeric_dtype(fit[name]):
        return False
    day = fit["as_of_date"].value_counts().index[0]
    values = fit.loc[fit["as_of_date"] == day, name].dropna()
    return len(values) >= MINIMUM_ROWS and values.nunique() >= UNIQUE_SHARE * len(values)


def _feed(columns: Sequence[str], catalogue: Mapping[str, Feature]) -> str:
    """Return where such columns are filled from, and how to leave them out."""
    sources = np.unique([source for name in columns if name in catalogue for source in catalogue[name].source])
    if not catalogue:
        return "fill it, or leave it out of the table (train-table: --leave-out)"
    if not len(sources):
        return "map what fills it in include/sources/<source>.yaml, or set model: false in include/config/session_features.yaml"
    return (
        f"map what fills features.customer_day.{{{named(list(sources))}}} in include/sources/<source>.yaml and run load_history,"
        " or, if the shop has nothing of the kind, set model: false in include/config/features.yaml"
    )
