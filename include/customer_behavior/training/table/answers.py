"""The label of a table's rows: yes or no in whatever words, or an amount."""

import numpy as np
import pandas as pd

from customer_behavior.data_quality.usability.finding import Finding
from customer_behavior.errors import BadInputError
from customer_behavior.targets.outcome import Kind
from customer_behavior.training.table.kinds import NO, YES, answers_of, quoted
from customer_behavior.training.table.numbers import read_numbers


def read_labels(name: str, texts: pd.Series, kind: Kind, yes: str | None) -> tuple[pd.Series, list[Finding]]:
    """Return the labels (0 or 1, or amounts; NaN where the table has none), and what was decided to read them.

    Two words that are not known as yes and no: `yes` says which one is yes; else the larger number is, or the rarer word.

    Parameters
    ----------
    texts
        the column's values as `texts_of` gives them

    Raises
    ------
    BadInputError
        When a label cannot be read, or there are more than two answers.
    """
    if texts.notna().sum() == 0:
        raise BadInputError(f"column {name} has no value: it is the label, so each row to learn from needs one")
    if kind == "amount":
        return _amounts(name, texts)
    answers = answers_of(texts) if yes is None else None
    if answers is not None:
        return answers, []
    words = texts.str.lower()
    counts = words.value_counts()
    positive = _chosen(name, texts, counts, yes) if yes is not None else _positive(name, texts, counts)
    said = (
        f"{name}: {positive!r} counts as yes ({counts[positive]:,} rows), {quoted(counts.index.drop(positive))} as no"
    )
    guessed = yes is None and positive not in YES
    found = Finding(
        "warning" if guessed else "note",
        "label_words",
        said,
        "say which one is yes with --yes, if that is wrong",
        {"yes": positive},
    )
    return (words == positive).astype(np.float64).where(words.notna()), [found]


def _amounts(name: str, texts: pd.Series) -> tuple[pd.Series, list[Finding]]:
    different = list(texts.dropna().unique())
    read = read_numbers(name, different)
    amounts = texts.map(dict(zip(different, read.values, strict=True))).astype("float64")
    _require(texts.isna() | ((amounts >= 0) & np.isfinite(amounts)), name, texts, "is no amount of 0 or more")
    if not read.said:
        return amounts, []
    said = f"{name} is read as amounts: {', '.join(read.said)}"
    return amounts, [Finding("note", "numbers_as_written", said, f"write {name} as 1234.5, if that is wrong", {})]


def _chosen(name: str, texts: pd.Series, counts: pd.Series, yes: str) -> str:
    positive = yes.strip().lower()
    if positive not in counts:
        raise BadInputError(
            f"column {name} has no {yes!r}, which is to be yes; it has {quoted(texts.dropna().unique())}"
        )
    return positive


def _positive(name: str, texts: pd.Series, counts: pd.Series) -> str:
    """Return which of two answers is yes."""
    odd = ~texts.str.lower().isin([*YES, *NO])
    if len(counts) != 2:
        also = f"; it has {len(counts):,} answers: {quoted(counts.index, counts.to_list())}. Name the one that is yes with --yes"
        _require(
            texts.isna() | ~odd,
            name,
            texts,
            "is neither yes nor no (1 or 0, true or false)",
            also if len(counts) > 2 else "",
        )
    numbers = pd.to_numeric(pd.Series(counts.index), errors="coerce")
    if numbers.notna().all():
        return str(counts.index[int(numbers.argmax())])
    known = [word for word in counts.index if word in (*YES, *NO)]
    if len(known) == 1:
        [other] = counts.index.drop(known)
        return str(known[0] if known[0] in YES else other)
    return str(min(counts.index, key=lambda word: (counts[word], word)))


def _require(good: pd.Series, name: str, texts: pd.Series, complaint: str, more: str = "") -> None:
    if not good.all():
        place = int(np.flatnonzero(~good.to_numpy())[0])
        raise BadInputError(
            f"column {name}: {texts.iloc[place]!r} in row {place + 1} {complaint}; {int((~good).sum())} rows are like it{more}"
        )
