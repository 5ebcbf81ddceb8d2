"""What is found in a table's rows, with fixes that a table has: no sources, no DAGs, no settings of features."""

from collections.abc import Mapping
from dataclasses import replace

from customer_behavior.data_quality.usability.finding import Finding

LEAVE_OUT = "leave it out (--leave-out)"
MORE_ROWS = "bring a table with more rows, over more days"
FIXES: Mapping[str, str] = {
    "empty_part": "bring a table of more days: rows are split by day, in order of time, and label_days in between are left out",
    "few_rows": MORE_ROWS,
    "few_positives": f"{MORE_ROWS}, or ask for something that happens more often",
    "unusable_label": "correct the label column, so that each row has an answer",
    "one_class": "look whether the answers of those days are known yet, and whether the export that made the table went on to the end",
    "extreme_rate": "ask for something that happens more often, or bring only the rows for which the question is open",
    "rate_moved": "look for a campaign, a season or an export that changed on those days; if it lasts, bring newer rows alone",
    "column_gone": "bring the column back into the table",
    "category_of_ids": f"{LEAVE_OUT}, or replace it by a group that rows share",
    "all_missing": f"fill it, or {LEAVE_OUT}",
    "nearly_missing": f"fill it, or {LEAVE_OUT}",
    "constant_column": LEAVE_OUT,
    "values_lost": f"look at the export of those days; if the values will not come back, {LEAVE_OUT}",
    "drift_in_window": "if the shop changed, bring newer rows alone; if an export changed, correct it; a column that only ever grows is"
    " better left out (--leave-out)",
    "parts_overlap": "split by time: each part's days after those of the part before it",
    "repeated_rows": "make the rows unique by customer and day",
    "alike_rows": "look for rows that were exported twice",
    "leak": "bring the column as it was known at the time of the row, or go on without it: it was left out here",
    "too_strong": "look whether the column is known at the time of the row; if it is, nothing has to be done",
    "too_strong_together": "look whether these columns are known at the time of the row; if they are, nothing has to be done",
}


def in_table_words(finding: Finding) -> Finding:
    """Return a finding with the fix that a table has; findings of a table alone have theirs already."""
    return replace(finding, fix=FIXES.get(finding.finding, finding.fix))
