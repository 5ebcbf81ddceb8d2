"""Why a customer scored as they did: the strongest features, signed, in words."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from customer_behavior.settings import Feature

REASONS = 3
NEGLIGIBLE = 0.0005
"""Effects below it, in log-odds, would read 0.000: no reason."""
DIRECTIONS = pa.array([': lowers"}', ': raises"}'])


def reasons_json(
    rows: pd.DataFrame, contributions: np.ndarray, features: tuple[str, ...], catalogue: Mapping[str, Feature]
) -> pa.StringArray:
    """Return each row's strongest reasons as a JSON list of {feature, value, effect, words}, strongest first.

    Parameters
    ----------
    rows : DataFrame
        Columns of `features`: numbers or texts.
    contributions : array of shape (n, features)
        What each feature adds to the log-odds, or to the logarithm of an amount.

    Notes
    -----
    A feature's words are made once for each of its values, and texts are joined by Arrow: reasons cost a fraction of the
    contributions they are made from.
    """
    strongest, effects = _strongest(contributions)
    tells = np.abs(effects) >= NEGLIGIBLE
    ends = np.concatenate([[0], np.cumsum(tells.sum(axis=1))]).astype(np.int32)
    row, place = np.nonzero(tells)
    feature, effect = strongest[row, place], effects[row, place].astype(np.float64)
    texts, codes = _texts(rows, row, feature, features, catalogue)
    each = pc.binary_join_element_wise(
        pc.take(texts.field("value"), codes),
        pa.array(np.round(effect, 4)).cast(pa.string()),
        pc.take(texts.field("words"), codes),
        pc.take(DIRECTIONS, pa.array((effect > 0).astype(np.int8))),
        "",
    )
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(ends), each), ", ")
    return pc.binary_join_element_wise("[", joined, "]", "")


def _strongest(contributions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's largest contributions, their columns and themselves; of equal ones the first column's."""
    count = min(REASONS, contributions.shape[1])
    every = np.arange(len(contributions))
    left = np.abs(contributions)
    columns = np.empty((len(contributions), count), dtype=np.intp)
    for place in range(count):
        columns[:, place] = left.argmax(axis=1)
        left[every, columns[:, place]] = -1
    return columns, np.take_along_axis(contributions, columns, axis=1)


def _texts(
    rows: pd.DataFrame, row: np.ndarray, feature: np.ndarray, names: tuple[str, ...], catalogue: Mapping[str, Feature]
) -> tuple[pa.StructArray, pa.Array]:
    """Return what stands before and behind an effect, once for each value of a feature, and which of them each reason has."""
    codes = np.empty(len(row), dtype=np.int32)
    before: list[pa.Array] = [pa.array([], pa.string())]
    behind: list[str] = []
    by_feature = np.argsort(feature, kind="stable")
    bounds = np.searchsorted(feature[by_feature], np.arange(len(names) + 1))
    for index, name in enumerate(names):
        mine = by_feature[bounds[index] : bounds[index + 1]]
        if not mine.size:
            continue
        own, known = pd.factorize(rows[name].to_numpy()[row[mine]], use_na_sentinel=False)
        codes[mine] = own + len(behind)
        before.append(_before(name, pa.array(known, from_pandas=True)))
        behind.extend(_behind(name, known.tolist(), catalogue.get(name)))
    texts = pa.StructArray.from_arrays([pa.concat_arrays(before), pa.array(behind, pa.string())], ["value", "words"])
    return texts, pa.array(codes)


def _before(name: str, values: pa.Array) -> pa.Array:
    """Return the JSON of a reason up to its effect, for each value."""
    if pa.types.is_floating(values.type) or pa.types.is_integer(values.type):
        rounded = pc.add(pc.round(values.cast(pa.float64()), 6), 0.0)  # -0 is 0
        written = rounded.cast(pa.string())
    else:
        written = pa.array(
            [None if value is None else json.dumps(value, ensure_ascii=False) for value in values.to_pylist()],
            pa.string(),
        )
    return pc.binary_join_element_wise(
        f'{{"feature": {json.dumps(name)}, "value": ', pc.fill_null(written, "null"), ', "effect": ', ""
    )


def _behind(name: str, values: list[Any], feature: Feature | None) -> list[str]:
    """Return the JSON of a reason from its effect to its direction, for each value."""
    return [f', "words": {json.dumps(in_words(name, value, feature), ensure_ascii=False)[:-1]}' for value in values]


def in_words(name: str, value: float | str | None, feature: Feature | None) -> str:
    """Return a customer's value of a feature, a number or a text, as the catalogue phrases it."""
    missing = value is None or value != value  # NaN is not itself
    if feature is None:
        return f"{name} not known" if missing else f"{name} {value if isinstance(value, str) else format(value, 'g')}"
    if missing:
        return feature.missing or f"{feature.meaning.lower()}: not known"
    return feature.phrase.format(value=value)
