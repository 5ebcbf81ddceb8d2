"""What a training leaves for people: its report page."""

from datetime import date
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.evaluation.evaluation import MODEL
from customer_behavior.reporting import ReportData, render
from customer_behavior.settings import Target
from customer_behavior.targets.sampling import row_weights
from customer_behavior.training.core import Trained
from customer_behavior.training.gate import Decision
from customer_behavior.warehouse import replace_slice

SAMPLE_ROWS = 2_000


def save(
    connection: Connection,
    trained: Trained,
    target: Target,
    name: str,
    as_of: date,
    decision: Decision,
    promoted: bool,
    currency: str,
    run_id: str | None,
) -> None:
    """Write a model's report to models.reports, in place of the one it has."""
    decided = {
        "accepted": decision.accepted,
        "promoted": promoted,
        "reason": decision.reason,
        "checks": decision.checks,
    }
    page = render(report_data(trained, name, as_of, target.meaning, f"{target.entity}s", currency, decided))
    insert = sa.text("INSERT INTO models.reports (model_id, html) VALUES (:model_id, :html)")
    where = {"model_id": name}
    replace_slice(
        connection,
        "models.reports",
        where,
        lambda: connection.execute(insert, {**where, "html": page}).rowcount,
        piece=name,
        run_id=run_id,
    )


def report_data(
    trained: Trained,
    name: str,
    as_of: date,
    meaning: str,
    entity: str,
    currency: str,
    decision: dict[str, Any] | None = None,
) -> ReportData:
    """Return what the page shows of a training; `decision` is that of the gate, None where there is no gate."""
    test, model, card = trained.backtest.rows, trained.model, trained.model.card
    sample = test.sample(min(len(test), SAMPLE_ROWS), random_state=0) if len(test) else test
    explained = model.kind in ("xgboost", "linear", "blend") and len(sample) > 0
    return ReportData(
        target=trained.key.target,
        horizon_days=trained.key.horizon_days,
        meaning=meaning,
        kind=trained.question.kind,
        entity=entity,
        as_of=as_of,
        currency=currency,
        model_id=name,
        model_kind=model.kind,
        confidence=card["confidence"],
        why=card.get("why"),
        served=trained.contender,
        cutoffs={
            "fit": sorted([*trained.cutoffs.fit, *trained.cutoffs.gaps]),
            **{part: list(getattr(trained.cutoffs, part)) for part in ("tune", "calibration", "test")},
        },
        rows=card["rows"],
        positives=card["positives"],
        label=test["label"].to_numpy(dtype=np.float64) if len(test) else np.empty(0),
        predictions=_predictions(trained),
        weight=row_weights(test) if len(test) else None,
        evaluations=trained.evaluations,
        gains=trained.gains,
        thresholds=trained.thresholds,
        findings=[vars(finding) for finding in trained.findings],
        trials=[vars(trial) for trial in trained.tuned.trials],
        decision=decision,
        sample=sample[list(model.features)].reset_index(drop=True),
        contributions=model.explain(sample)[1] if explained else None,
        features=model.features,
        catalogue=trained.question.catalogue,
        duration_seconds=trained.duration_seconds,
        libraries=card["libraries"],
        refit=card["refit"],
    )


def _predictions(trained: Trained) -> dict[str, np.ndarray]:
    """Return what each contender said of the rows it was judged on, nothing where there are none."""
    if trained.backtest.predictions:
        return trained.backtest.predictions
    return {name: np.empty(0) for name in (MODEL, *trained.contenders)}
