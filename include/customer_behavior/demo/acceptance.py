"""What ``make run`` shows at its end, and the checks that decide its exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
from sqlalchemy.engine import Connection

from customer_behavior.demo.dates import (
    BACKFILL_LAST,
    HISTORY_FIRST,
    JUDGED_AS_OF,
    PUBLISHED_FIRST,
    PUBLISHED_LAST,
    ROWS_DELIVERED,
    SOURCE,
    TRAINED_AS_OF,
    days,
)
from customer_behavior.settings import load_shop, load_targets
from customer_behavior.warehouse import Warehouse, read_frame

_WIDEST = 58


def report(warehouse: Warehouse) -> str:
    """The rows, the models beside their baselines, the matured scores, and what marketing reads."""
    sections = {
        "What became of the rows": ("ledger", {}),
        "The models beside their baselines, on a later snapshot (lower log loss is better)": (
            "champion",
            {"as_of": TRAINED_AS_OF},
        ),
        "Scores against what happened": ("judged", {}),
        "marketing.customer_scores_latest, first rows": ("first_scores", {}),
    }
    lines = []
    with warehouse.begin() as connection:
        for title, (name, parameters) in sections.items():
            frame = read_frame(connection, f"demo/{name}", **parameters)
            lines += ["", title, *_table(frame)]
    return "\n".join(lines)


def problems(warehouse: Warehouse) -> list[str]:
    """Everything that is not as it should be, in sentences; none: the demonstration is complete and right."""
    checks: Sequence[Callable[[Connection], list[str]]] = (_rows, _models, _judgement, _published)
    with warehouse.begin() as connection:
        return [problem for check in checks for problem in check(connection)]


def _rows(connection: Connection) -> list[str]:
    ledger = read_frame(connection, "demo/ledger")
    mine = ledger[ledger["source"] == SOURCE]
    if mine.empty:
        return [f"The ledger has no batch of {SOURCE}."]
    row = mine.iloc[0]
    found = []
    wanted = len(days(HISTORY_FIRST, BACKFILL_LAST))
    if row["batches"] != wanted:
        found.append(f"The ledger has {row['batches']} batches of {SOURCE}, not {wanted}.")
    if row["rows_read"] != ROWS_DELIVERED:
        found.append(f"{row['rows_read']:,} rows were read, but {ROWS_DELIVERED:,} delivered.")
    if row["rows_read"] != row["accepted"] + row["rejected"] + row["duplicate"]:
        found.append("The ledger does not add up: rows read are not the sum of accepted, rejected and duplicate.")
    held = read_frame(connection, "demo/ledger_against_tables", source=SOURCE).iloc[0]
    for kind in ("accepted", "rejected", "duplicate"):
        if held[kind] != row[kind]:
            found.append(f"The ledger counts {row[kind]:,} {kind} rows, their table holds {held[kind]:,}.")
    return found


def _models(connection: Connection) -> list[str]:
    promoted = read_frame(connection, "demo/promoted", as_of=TRAINED_AS_OF)
    serving = set(zip(promoted["target"], promoted["horizon_days"], strict=True))
    found = [
        f"No model of {key} is promoted."
        for key in load_targets().scored_keys()
        if (key.target, key.horizon_days) not in serving
    ]
    contenders = read_frame(connection, "demo/champion", as_of=TRAINED_AS_OF)["contender"].tolist()
    for contender in ("model", "logistic_regression", "frequency"):
        if contender not in contenders:
            found.append(f"No evaluation of {contender} is recorded.")
    return found


def _judgement(connection: Connection) -> list[str]:
    judged = read_frame(connection, "demo/judged")
    primary = str(load_shop().primary_target)
    if ((judged["scored_as_of"] == JUDGED_AS_OF) & (judged["target"] == primary)).any():
        return []
    return [f"Monitoring has not judged the {primary} scores of {JUDGED_AS_OF}."]


def _published(connection: Connection) -> list[str]:
    rows = read_frame(
        connection, "demo/published_rows", first_date=PUBLISHED_FIRST, last_date=PUBLISHED_LAST
    ).set_index("as_of_date")
    found = []
    for day in days(PUBLISHED_FIRST, PUBLISHED_LAST):
        if day not in rows.index:
            found.append(f"Nothing is published for {day}.")
            continue
        row = rows.loc[day]
        if row["published"] == 0 or row["published"] != row["customers"]:
            found.append(f"{day} has {row['published']} published rows; its status says {row['customers']}.")
        if row["no_probability"]:
            found.append(f"{row['no_probability']} probabilities of {day} are outside 0 to 1.")
        if row["distinct_probabilities"] < 2:
            found.append(f"All customers of {day} have the same probability.")
    newest = read_frame(connection, "demo/newest_morning").iloc[0]
    if newest["as_of_date"] is None or newest["as_of_date"] < PUBLISHED_LAST:
        found.append(f"marketing.customer_scores_latest shows {newest['as_of_date']}, not {PUBLISHED_LAST} or later.")
    return found


def _table(frame: pd.DataFrame) -> list[str]:
    """A frame as aligned text: numbers to the right, words to the left, long ones cut."""
    if frame.empty:
        return ["  (no rows)"]
    columns = []
    for name in frame.columns:
        values = frame[name].tolist()
        numeric = all(
            isinstance(value, (int, float)) or hasattr(value, "as_tuple") or value is None for value in values
        )
        cells = [str(name), *(_cell(value) for value in values)]
        width = max(len(cell) for cell in cells)
        columns.append([cell.rjust(width) if numeric else cell.ljust(width) for cell in cells])
    return ["  " + "  ".join(row).rstrip() for row in zip(*columns, strict=True)]


def _cell(value: object) -> str:
    if value is None or value != value:  # NaN alone differs from itself
        return "-"
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
