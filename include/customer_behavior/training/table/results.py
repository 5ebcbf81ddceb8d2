"""What a training from a table leaves: files, and what a person wants to know first."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from customer_behavior.training.core import Trained


def write_results(trained: Trained, folder: Path, page: str) -> None:
    """Write the model's files, its numbers (evaluations.json) and its report (report.html) into a folder."""
    model = folder / "model"
    model.mkdir(parents=True, exist_ok=True)
    for name, content in trained.model.files().items():
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_bytes(content)
    numbers = [{name: _plain(value) for name, value in row.items()} for row in trained.evaluations]
    (folder / "evaluations.json").write_text(json.dumps(numbers, indent=2, default=float) + "\n")
    (folder / "report.html").write_text(page, encoding="utf-8")


def summary(trained: Trained) -> Iterator[str]:
    """Yield what a person wants to know first: what serves, how good it is beside the others, and what was found."""
    card = trained.model.card
    kind = "" if trained.model.kind == trained.contender else f" ({trained.model.kind})"
    yield f"served by {trained.contender}{kind}, confidence {card['confidence']}"
    if card.get("why"):
        yield f"  because {card['why']}"
    yield "rows: " + ", ".join(f"{name} {count:,}" for name, count in card["rows"].items() if count)
    yield "columns: " + (", ".join(trained.question.features) or "none")
    shown = (
        ("auc", "brier", "ece", "lift10")
        if trained.question.kind == "probability"
        else ("deviance", "mae", "gini", "lift10")
    )
    if trained.evaluations:
        where = "on the newest rows" if trained.judged else "on rows held out"
        yield f"{where:24}" + "".join(f"{name:>10}" for name in shown)
    for row in trained.evaluations:
        yield f"{row['contender']:24}" + "".join(_number(row[name]) for name in shown)
    for finding in trained.findings:
        yield f"{finding.severity}: {finding.statement}; {finding.fix}"


def _number(value: float) -> str:
    return f"{value:10.4f}" if np.isfinite(value) else f"{'–':>10}"


def _plain(value: Any) -> Any:
    """Return a number as JSON has it: null where there is none."""
    return None if isinstance(value, float) and not np.isfinite(value) else value
