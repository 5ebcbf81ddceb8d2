"""Odd tables of strangers, as files: training from one ends with a model and its page, or with a sentence.

`python -m fuzz tables CASES=300 SEED=1`
"""

from __future__ import annotations

import logging
import random
import tempfile
import warnings
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd

from customer_behavior.errors import PlatformError
from customer_behavior.reporting import render
from customer_behavior.reporting.training_report import report_data
from customer_behavior.settings import Training, load_targets
from customer_behavior.training.table import read_table, summary, train_table, write_results

RENDERED = 0.04
"""Share of the tables whose report page is made too: it takes seconds."""
NAMES = [
    "price[EUR]", "age<30", "price_EUR_", "a]b", "", " ", "a b", "  a", 'a "quoted" one', "it's", "größe", "価格", "😀", "f0", "f1",
    "0", "12", "n" * 300, "label", "weight", "customer_id", "as_of_date", "weight.1", "level", "hits", "n", "index", "$x^$", "a,b",
    "a;b", "a\tb", "<b>", "days_since_purchase", "purchase_days_90d", "orders_90d", "revenue_90d", "None", "nan", "True", "a%",
    "a\\b", "{{a}}", "Unnamed: 3",
]  # fmt: skip
DAY = date(2024, 1, 1)

Maker = Callable[[random.Random, int, int], object]
"""From a random source, the row's place and its day, to the value of a cell."""


def _one_of(*values: object) -> Maker:
    return lambda source, row, day: source.choice(values)


CELLS: dict[str, Maker] = {
    "amounts": lambda source, row, day: round(source.gammavariate(2, 20), 2),
    "counts": lambda source, row, day: source.randint(0, 9),
    "huge": lambda source, row, day: source.choice([1e300, -1e300, 1e38, 3.5e38, 1e-300, 5, 10**25]),
    "endless": lambda source, row, day: source.choice([float("inf"), float("-inf"), 1.0, float("nan")]),
    "constant": _one_of(7),
    "nothing": _one_of(None),
    "words": _one_of("red", "green", "blue"),
    "names": lambda source, row, day: f"id-{source.randrange(10**9)}",
    "hashes": lambda source, row, day: f"{source.randrange(16**8):08x}",
    "ids": lambda source, row, day: 10**12 + row,
    "long ids": lambda source, row, day: str(10**22 + row),
    "decimal commas": lambda source, row, day: f"{source.gammavariate(2, 20):.2f}".replace(".", ","),
    "german": lambda source, row, day: f"{source.gammavariate(2, 900):,.2f}".translate(str.maketrans(",.", ".,")),
    "english": lambda source, row, day: f"{source.gammavariate(2, 900):,.2f}",
    "swiss": lambda source, row, day: f"CHF {source.gammavariate(2, 900):,.2f}".replace(",", "'"),
    "euros": lambda source, row, day: f"{source.randint(1, 99)} €",
    "dollars": lambda source, row, day: f"${source.randint(1, 99)}.50",
    "currencies": lambda source, row, day: f"{source.choice('$€£')}{source.randint(1, 99)}",
    "percents": lambda source, row, day: f"{source.randint(0, 100)}%",
    "some percents": lambda source, row, day: source.choice([f"{source.randint(1, 100)}%", "0.05"]),
    "both signs": lambda source, row, day: source.choice([f"{source.randint(1, 9)},5", f"{source.randint(1, 9)}.5"]),
    "bookkeeping": lambda source, row, day: f"({source.randint(1, 99)}.00)",
    "few texts": lambda source, row, day: "unknown" if source.random() < 0.05 else source.gammavariate(2, 20),
    "half texts": lambda source, row, day: f"t{source.randrange(10**6)}" if row % 2 else source.gammavariate(2, 20),
    "codes": lambda source, row, day: source.choice(["1", "2", "A", "B"]),
    "not available": lambda source, row, day: source.choice([1, 2.5, "N/A", "-", "#N/A", "null", ""]),
    "yes or no": _one_of("yes", "no", None),
    "booleans": _one_of(True, False),
    "true words": _one_of("true", "False", "TRUE", "f"),
    "days": lambda source, row, day: (DAY + timedelta(days=source.randint(0, 400))).isoformat(),
    "dates": lambda source, row, day: DAY + timedelta(days=source.randint(0, 400)),
    "stamps": lambda source, row, day: datetime(2024, 1, 1) + timedelta(seconds=source.randrange(10**7)),
    "dates in numbers": lambda source, row, day: "2024-03-05" if source.random() < 0.1 else source.randint(0, 99),
    "old days": _one_of("0001-01-01", "9999-12-31", "1969-12-31", "2024-02-30"),
    "lists": lambda source, row, day: [source.randint(0, 3) for _ in range(source.randint(0, 3))],
    "objects": lambda source, row, day: {"a": source.randint(0, 3), "b": None},
    "decimals": lambda source, row, day: Decimal(source.randint(0, 999)) / 100,
    "bytes": lambda source, row, day: source.randbytes(2),
    "mixed": lambda source, row, day: source.choice([1, 2.5, "x", None, True, date(2024, 1, 2), [1], {"a": 1}]),
    "clock": lambda source, row, day: f"{source.randint(0, 23)}:{source.randint(0, 59):02d}",
    "spaced": lambda source, row, day: source.choice([" 1", "2\u00a0", "1 000", "\t3"]),
    "rare": lambda source, row, day: 1 if source.random() < 0.01 else None,
    "long": lambda source, row, day: source.choice("ab") * 500,
}  # fmt: skip
TIMES: list[Maker] = [
    lambda source, row, day: (DAY + timedelta(days=day)).isoformat(),
    lambda source, row, day: f"{DAY + timedelta(days=day):%d.%m.%Y} 10:{row % 60:02d}",
    lambda source, row, day: f"{DAY + timedelta(days=day):%m/%d/%Y}",
    lambda source, row, day: f"{DAY + timedelta(days=day):%m/%d}",
    lambda source, row, day: f"{DAY + timedelta(days=day):%d/%m/%y}",
    lambda source, row, day: 1_704_067_200 + 86_400 * day,
    lambda source, row, day: 1_704_067_200_000_000 + 86_400_000_000 * day,
    lambda source, row, day: int(f"{DAY + timedelta(days=day):%Y%m%d}"),
    lambda source, row, day: f"{DAY + timedelta(days=day)}T00:00:00+02:00",
    lambda source, row, day: datetime(2024, 1, 1) + timedelta(days=day, seconds=row),
    lambda source, row, day: None if row % 50 == 7 else (DAY + timedelta(days=day)).isoformat(),
    lambda source, row, day: "soon" if row == 30 else (DAY + timedelta(days=day)).isoformat(),
    lambda source, row, day: "9999-12-31" if row == 30 else (DAY + timedelta(days=day)).isoformat(),
    lambda source, row, day: f"10:{row % 60:02d}",
    lambda source, row, day: 45_000 + day,
    lambda source, row, day: "2024-05-31",
]
ANSWERS: list[tuple[str, Callable[[random.Random, bool, int, int], object]]] = [
    ("probability", lambda source, came, row, day: int(came)),
    ("probability", lambda source, came, row, day: "Yes" if came else "no"),
    ("probability", lambda source, came, row, day: came),
    ("probability", lambda source, came, row, day: "churned" if came else "stayed"),
    ("probability", lambda source, came, row, day: 2 if came else 1),
    ("probability", lambda source, came, row, day: source.choice(["a", "b", "c"])),
    ("probability", lambda source, came, row, day: None if row % 9 == 0 else int(came)),
    ("probability", lambda source, came, row, day: int(came and day < 60)),
    ("probability", lambda source, came, row, day: int(came and day < 40)),
    ("probability", lambda source, came, row, day: 0),
    ("probability", lambda source, came, row, day: None),
    ("probability", lambda source, came, row, day: [int(came)]),
    ("amount", lambda source, came, row, day: 12.5 * came),
    ("amount", lambda source, came, row, day: f"{source.randint(1, 99)},50 €" if came else "0"),
    ("amount", lambda source, came, row, day: -1 if row == 5 else 3),
    ("amount", lambda source, came, row, day: 0),
]  # fmt: skip


def quick() -> Training:
    """Return settings that train on little, in a part of a second."""
    training = load_targets().training
    return training.model_copy(
        update={
            "bootstrap_samples": 5,
            "minimum_rows": 60,
            "minimum_positives": 8,
            "tuning": training.tuning.model_copy(update={"trials": 1, "max_trees": 5}),
            "xgboost": {**training.xgboost, "n_estimators": 5},
        }
    )


def odd_table(source: random.Random) -> tuple[pd.DataFrame, dict]:
    """Return a table of a few hundred rows, and what train_table is to be told of it."""
    rows = source.choice([1, 2, 30, 240, 240, 240, 400])
    days = sorted(source.randrange(80) for _ in range(rows))
    kind, answer = source.choice(ANSWERS if source.random() < 0.4 else ANSWERS[:3])
    time = source.choice(TIMES if source.random() < 0.4 else TIMES[:1])
    names = source.sample(NAMES, source.randint(0, 6))
    columns: dict[str, list] = {"when": [time(source, row, day) for row, day in enumerate(days)]}
    signal = [source.random() for _ in range(rows)]
    for name in names:
        maker = CELLS[source.choice(list(CELLS))]
        columns[name] = [maker(source, row, day) for row, day in enumerate(days)]
    columns["signal"] = signal
    came = [source.random() < value * 0.7 for value in signal]
    columns["answer"] = [answer(source, came[row], row, day) for row, day in enumerate(days)]
    asked = {
        "label": "answer",
        "time": "when",
        "kind": kind,
        "label_days": source.choices([0, 3, 300, -1], [80, 15, 3, 2])[0],
    }
    if names and source.random() < 0.2:
        asked["customer"] = source.choice(names)
    if source.random() < 0.05:
        asked["label"] = source.choice([*names, "when", "gone"])
    if source.random() < 0.05:
        asked["yes"] = source.choice(["churned", "a", "maybe"])
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()}), asked


def landed(table: pd.DataFrame, folder: Path, source: random.Random) -> pd.DataFrame:
    """Return the table as it is read again from a file of a random kind; as it is, where that kind cannot hold it."""
    kind = source.choice(["csv", "csv", "csv;", "jsonl", "parquet", "frame"])
    try:
        if kind == "parquet":
            table.infer_objects().to_parquet(folder / "t.parquet")
            return read_table(folder / "t.parquet")
        if kind == "jsonl":
            table.to_json(folder / "t.jsonl", orient="records", lines=True, date_format="iso", default_handler=str)
            return read_table(folder / "t.jsonl")
    except PlatformError:
        raise
    except Exception:  # what cannot be written is no file that somebody has
        return table.infer_objects()
    if kind == "frame":
        return table
    table.to_csv(folder / "t.csv", index=False, sep=kind[3:] or ",")
    return read_table(folder / "t.csv")


def train_odd_table(seed: int) -> str:
    """Train from the odd table of a seed, and return its summary, or the sentence that refused it."""
    source = random.Random(seed)
    table, asked = odd_table(source)
    with tempfile.TemporaryDirectory() as folder:
        try:
            trained = train_table(landed(table, Path(folder), source), settings=quick(), **asked)
        except PlatformError as error:
            return f"refused: {error}"
        said = "\n".join(summary(trained))
        assert all(name in said for name in trained.question.features), "each column is shown by its own name"
        words = [finding.fix for finding in trained.findings] + [str(trained.model.card.get("why"))]
        for word in ("yaml", "DAG", "snapshot", "load_history", "include/", "the shop is"):
            assert not any(word in text for text in words), f"a table has no {word}"
        page = "<html>"
        if source.random() < RENDERED:
            page = render(report_data(trained, "odd", date(2024, 12, 1), "a test", "rows", "EUR"))
        write_results(trained, Path(folder) / "out", page)
        return said


def run(cases: int, seed: int) -> int:
    """Train from so many odd tables; print how many were trained and refused, and each that ended otherwise; return those."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    trained = failed = 0
    for number in range(seed, seed + cases):
        try:
            trained += not train_odd_table(number).startswith("refused")
        except Exception as error:
            failed += 1
            print(f"SEED={number}: {type(error).__name__}: {error}", flush=True)
    refused = cases - trained - failed
    print(f"{cases:,} tables: {trained:,} trained, {refused:,} refused with a sentence, {failed:,} ended otherwise")
    return failed
