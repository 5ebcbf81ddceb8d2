"""Tables from files: CSV with any of the usual separators, JSON Lines, Parquet."""

import csv
import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from customer_behavior.errors import BadInputError

SEPARATORS = ",;\t|"
UNNAMED = "Unnamed: "
"""How pandas calls a column without a name."""


def read_table(path: Path, delimiter: str | None = None) -> pd.DataFrame:
    """Return a CSV (.csv, .tsv, also .gz), JSON Lines (.jsonl, also .gz) or Parquet file.

    A CSV's separator is the one of `,`, `;`, tab and `|` that parts its header into most columns,
    unless `delimiter` names it.

    Raises
    ------
    BadInputError
        When it is none, or unreadable, or `delimiter` is no single sign or not in the header.
    """
    name = path.name.lower()
    try:
        if name.endswith((".parquet", ".pq")):
            return pd.read_parquet(path)
        if name.endswith((".jsonl", ".jsonl.gz")):
            return pd.DataFrame(_records(path))
        if name.endswith((".tsv", ".tsv.gz", ".csv", ".csv.gz")):
            return _delimited(path, delimiter)
    except FileNotFoundError as error:
        raise BadInputError(f"{path} does not exist") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path} cannot be read: it is not UTF-8 ({error.reason}); export it as UTF-8") from error
    except (ValueError, OSError, EOFError, zlib.error, RecursionError, NotImplementedError, OverflowError) as error:
        raise BadInputError(f"{path} cannot be read: {error}") from error
    raise BadInputError(f"{path}: a table is a .csv, .tsv, .jsonl or .parquet file")


def _delimited(path: Path, delimiter: str | None) -> pd.DataFrame:
    with _opened(path) as file:
        header = file.readline()
    if delimiter is not None and (len(delimiter) != 1 or delimiter not in header):
        raise BadInputError(
            f"{path}: {delimiter!r} does not part its header ({header.strip()[:80]}): pass the one sign that does"
        )
    separator = delimiter or max(SEPARATORS, key=lambda sign: len(next(csv.reader([header], delimiter=sign), [])))
    # Without index_col=False a header that is one column short would make the first column the index, unsaid.
    table = pd.read_csv(path, sep=separator, index_col=False, low_memory=False, encoding="utf-8-sig")
    empty = [name for name in table if str(name).startswith(UNNAMED) and table[name].isna().all()]
    return table.drop(columns=empty)  # separators at the ends of lines


def _records(path: Path) -> list[dict[str, Any]]:
    records = []
    with _opened(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                raise ValueError(f"line {number} is no JSON ({error})") from error
            if not isinstance(record, dict):
                raise ValueError(f"line {number} is no object with a value for each column")
            records.append(record)
    return records


def _opened(path: Path) -> Any:
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    return opened(path, "rt", encoding="utf-8-sig", newline=None)
