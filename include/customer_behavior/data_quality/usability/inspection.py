"""All that is looked at in the rows of a training."""

from collections.abc import Mapping, Sequence

import pandas as pd

from customer_behavior.data_quality.usability.columns import degenerate_columns, gone_columns, lost_columns
from customer_behavior.data_quality.usability.drift import drift_in_window
from customer_behavior.data_quality.usability.duplicates import alike_rows, repeated_rows
from customer_behavior.data_quality.usability.finding import Finding, ranked
from customer_behavior.data_quality.usability.labels import enough_rows, label_rates, usable_labels
from customer_behavior.settings import Feature
from customer_behavior.targets.outcome import Kind

PARTS = ("fit", "tune", "calibration", "test")


def inspect(
    parts: Mapping[str, pd.DataFrame],
    features: Sequence[str],
    catalogue: Mapping[str, Feature],
    *,
    kind: Kind,
    minimum_rows: int,
    minimum_positives: int,
    entity: str = "customer_id",
) -> list[Finding]:
    """Return what is wrong with the rows of a training, weightiest first; an empty list when nothing is.

    Parameters
    ----------
    parts : name to frame, of "fit", "tune", "calibration", "test"
        Columns as_of_date, `features` (numbers with NaN, or categories as text), label (0 or 1, or an amount of 0 or more),
        weight (rows that each one stands for). A part that is not planned is left out; one that is planned and has no
        rows is an empty frame. "fit" is always looked for.
    catalogue : feature to its description
        Columns that are not in it, those of a table from elsewhere, are fine.
    entity : str
        What is at most once on a date; without this column nothing is said about it.
    """
    given = {name: parts[name] for name in PARTS if name in parts}
    rows = {name: frame for name, frame in given.items() if len(frame)}
    findings = enough_rows(given, kind, minimum_rows, minimum_positives)
    unusable = usable_labels(rows, kind)
    findings += [*unusable, *gone_columns(rows, features)]
    if not unusable:
        findings += label_rates(rows, kind)
    findings += repeated_rows(rows, entity)
    present = [name for name in features if all(name in frame for frame in rows.values())]
    if "fit" in rows:
        findings += degenerate_columns(rows["fit"], present, catalogue)
        findings += lost_columns(rows, present, catalogue)
        findings += alike_rows(rows["fit"], present)
    findings += drift_in_window(rows, present)
    return ranked(findings)
