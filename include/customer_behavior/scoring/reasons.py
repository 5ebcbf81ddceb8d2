"""Why a customer scored as they did: the strongest features, signed, in words."""

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd

from customer_behavior.settings import Feature

REASONS = 3
NEGLIGIBLE = 0.0005
"""Effects below it, in log-odds, would read 0.000: no reason."""


def reasons_json(
    rows: pd.DataFrame, contributions: np.ndarray, features: tuple[str, ...], catalogue: Mapping[str, Feature]
) -> list[str]:
    """Return each row's strongest reasons as a JSON list of {feature, value, effect, words}, strongest first.

    Parameters
    ----------
    rows : DataFrame
        Columns of `features`.
    contributions : array of shape (n, features)
        What each feature adds to the log-odds.

    Notes
    -----
    A feature's words are made once for each of its values, not once for each row: explaining is a fraction of predicting.
    """
    if not features:
        return ["[]"] * len(rows)
    strongest = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :REASONS]
    parts = np.full(strongest.shape, "", dtype=object)
    for index, name in enumerate(features):
        row, place = np.nonzero(strongest == index)
        if not row.size:
            continue
        effect = contributions[row, index]
        values = rows[name].to_numpy(dtype=float, na_value=np.nan)[row]
        known, codes = np.unique(values, return_inverse=True)
        raises = [_reason(name, value, "raises", catalogue.get(name)) for value in known]
        lowers = [_reason(name, value, "lowers", catalogue.get(name)) for value in known]
        parts[row, place] = [
            (raises if size > 0 else lowers)[code] % size if abs(size) >= NEGLIGIBLE else ""
            for code, size in zip(codes, effect.tolist(), strict=True)
        ]
    return [f"[{', '.join(filter(None, found))}]" for found in parts.tolist()]


def _reason(name: str, value: float, direction: str, feature: Feature | None) -> str:
    """Return one reason as JSON with `%.4f` in place of its effect."""
    missing = np.isnan(value)
    content = {
        "feature": name,
        "value": None if missing else int(value) if value.is_integer() else round(value, 6),
        "effect": 0,
        "words": f"{in_words(name, value, feature)}: {direction}",
    }
    text = json.dumps(content, ensure_ascii=False).replace("%", "%%")
    return text.replace('"effect": 0', '"effect": %.4f', 1)


def in_words(name: str, value: float, feature: Feature | None) -> str:
    """Return a customer's value of a feature as the catalogue phrases it."""
    if feature is None:
        return f"{name} {value:g}"
    if np.isnan(value):
        return feature.missing or f"{feature.meaning.lower()}: not known"
    return feature.phrase.format(value=value)
