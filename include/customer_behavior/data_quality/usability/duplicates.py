"""Rows that are there twice."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from customer_behavior.data_quality.usability.finding import Finding, numbered

FINE_SHARE = 0.9
"""Share of distinct values, among those of unlike rows that are not the most frequent one, that chance does not repeat."""
ALIKE_SHARE = 0.01
MINIMUM_ALIKE = 20


def repeated_rows(parts: Mapping[str, pd.DataFrame], entity: str) -> list[Finding]:
    """Return parts that are not apart in time, and entities that are on a date more than once."""
    findings = []
    mixed = [
        (before, after)
        for (before, rows), (after, later) in pairwise(parts.items())
        if rows["as_of_date"].max() >= later["as_of_date"].min()
    ]
    if mixed:
        before, after = mixed[0]
        findings.append(
            Finding(
                "blocking",
                "parts_overlap",
                f"the {after} rows begin on {parts[after]['as_of_date'].min()}, the {before} rows end on"
                f" {parts[before]['as_of_date'].max()}: numbers on rows that were learned from flatter",
                "split by time: each part's dates after those of the part before it",
                {"parts": [before, after]},
            )
        )
    repeated = {
        name: int(rows.duplicated([entity, "as_of_date"]).sum()) for name, rows in parts.items() if entity in rows
    }
    if sum(repeated.values()):
        count, of = sum(repeated.values()), sum(map(len, parts.values()))
        findings.append(
            Finding(
                "warning",
                "repeated_rows",
                f"{numbered(count, 'row')} of {of:,} repeat a {entity} on the same date: each counts as evidence of its own",
                f"make the rows unique by {entity} and date, in the table, or in the joins of include/sql/targets/labels and"
                " include/sql/targets/populations",
                {"rows": repeated},
            )
        )
    return findings


def alike_rows(fit: pd.DataFrame, features: Sequence[str]) -> list[Finding]:
    """Return rows of a date that agree in every feature although some of them are too fine to agree by chance."""
    day = fit["as_of_date"].value_counts().index[0]
    rows = fit.loc[fit["as_of_date"] == day, list(features)]
    hashes = pd.util.hash_pandas_object(rows, index=False)
    once = ~hashes.duplicated().to_numpy()
    telling = np.zeros(len(rows), dtype=bool)
    for name in features:
        if pd.api.types.is_numeric_dtype(rows[name]):
            telling |= _fine_values(rows[name], once)
    alike = int((hashes.duplicated(keep=False).to_numpy() & telling).sum())
    if alike < max(MINIMUM_ALIKE, ALIKE_SHARE * telling.sum()):
        return []
    return [
        Finding(
            "note",
            "alike_rows",
            f"{numbered(alike, 'row')} of {int(telling.sum()):,} on {day} agree with another one in all"
            f" {numbered(len(features), 'feature')}, fine amounts included",
            "look for customers known under two ids: customer_namespace and columns.customer_id of include/sources/<source>.yaml",
            {"rows": alike, "of": int(telling.sum()), "as_of_date": str(day)},
        )
    ]


def _fine_values(column: pd.Series, once: np.ndarray) -> np.ndarray:
    """Return which rows have a value that is not the column's most frequent one; none where others repeat in unlike rows."""
    counts = column[once].value_counts()
    if len(counts) < 2:
        return np.zeros(len(column), dtype=bool)
    other = column.notna().to_numpy()
    if counts.iloc[0] > 1:
        other = other & (column != counts.index[0]).to_numpy()
    fine = counts.size - 1 >= FINE_SHARE * (other & once).sum()
    return other if fine else np.zeros(len(column), dtype=bool)
