"""What was found about the data, and what to do about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["blocking", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("blocking", "warning", "note")
NAMED = 5
"""Columns that a sentence names; `details` has all."""


@dataclass(frozen=True)
class Finding:
    """One row of models.training_findings.

    Attributes
    ----------
    severity
        "blocking" (a fallback serves), "warning" or "note"
    finding
        short key, for example few_rows
    statement
        what was found, a sentence with its numbers
    fix
        what to do about it, with the file, the DAG or the setting to touch
    details
        the numbers, fit for JSON
    """

    severity: Severity
    finding: str
    statement: str
    fix: str
    details: dict[str, Any] = field(default_factory=dict)


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, blocking ones first; within a severity the order is kept."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def named(columns: Sequence[str]) -> str:
    """Return the first names of a list as a sentence has them: `a, b and 3 more`."""
    more = len(columns) - NAMED
    return ", ".join(columns[:NAMED]) + (f" and {more} more" if more > 0 else "")


def numbered(count: int, noun: str) -> str:
    """Return a count with its noun: `1 row`, `2,000 rows`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
