"""The catalogue of features as a document: docs/features.md."""

import re
from collections.abc import Iterator

from customer_behavior.settings import Feature, Features

HEAD = """\
# Features

Every column of `features.customer_snapshot`, one row per customer and as-of date. They are counted from `features.customer_day` and
hold what was known when the day before the as-of date ended: rows with `event_day < as_of_date` and `batch_date < as_of_date`.

Made from [features.yaml](../include/config/features.yaml) by `python -m customer_behavior describe-features > docs/features.md`;
a test keeps the two in step. *Read* says what models read: a number, a category, or nothing (then it is there for people and
rules). *From* names columns of `features.customer_day`. *In words* is how a reason says a value, and after the stroke how it says
that there is none; a column without a stroke always has a value.

A new column is an entry of features.yaml, a migration and its value in the oracle of the tests; the SQL of its window is made from the
entry: [how](../CONTRIBUTING.md).
"""


def describe(catalogue: Features) -> str:
    """Return the catalogue as Markdown, one table a family."""
    return "\n".join([HEAD, *(line for name, family in catalogue.families.items() for line in _section(name, family))])


def _section(name: str, family: dict[str, Feature]) -> Iterator[str]:
    yield f"## {name}\n"
    yield "| column | meaning | unit | window | from | read | in words |"
    yield "|---|---|---|---|---|---|---|"
    for column, feature in family.items():
        cells = (
            f"`{column}`",
            feature.meaning,
            feature.unit,
            f"{feature.window_days} d" if feature.window_days else "",
            ", ".join(f"`{source}`" for source in feature.source),
            feature.kind if feature.model else "no",
            " / ".join(filter(None, (_readable(feature.phrase), feature.missing))),
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def _readable(phrase: str) -> str:
    """Return a phrase with dots where the value goes."""
    return re.sub(r"\{value[^}]*\}", lambda match: "…%" if "%" in match[0] else "…", phrase)
