"""The gate's decisions on record, and the requests to train that a training fulfils."""

import json
from dataclasses import dataclass
from datetime import date

from sqlalchemy.engine import Connection

from customer_behavior.settings import TargetKey
from customer_behavior.training.gate import Decision
from customer_behavior.warehouse import audit, run_sql


def record(
    connection: Connection,
    key: TargetKey,
    as_of: date,
    *,
    model_id: str,
    champion_id: str | None,
    decision: Decision,
    promoted: bool,
    run_id: str | None,
) -> None:
    """Write what the gate said of a model to models.decisions."""
    run_sql(
        connection,
        "training/record_decision",
        model_id=model_id,
        champion_id=champion_id,
        target=key.target,
        horizon_days=key.horizon_days,
        as_of=as_of,
        accepted=decision.accepted,
        promoted=promoted,
        reason=decision.reason,
        checks=json.dumps(decision.checks, sort_keys=True),
        run_id=run_id,
    )
    audit(connection, "models.decisions", f"{as_of} {key.target}/{key.horizon_days}", 0, 1, run_id)


@dataclass(frozen=True)
class Known:
    """A decision on record, and whether it promoted the model."""

    decision: Decision
    promoted: bool


def known(connection: Connection, key: TargetKey, as_of: date, model_id: str) -> Known | None:
    """Return what the gate said of a model as of a date before, None when it was not asked."""
    row = run_sql(
        connection,
        "training/known_decision",
        model_id=model_id,
        target=key.target,
        horizon_days=key.horizon_days,
        as_of=as_of,
    ).one_or_none()
    if row is None:
        return None
    return Known(Decision(row.accepted, row.reason, row.checks), row.promoted)


def fulfil_requests(connection: Connection, key: TargetKey, as_of: date, model_id: str) -> None:
    """Mark the requests to train a target, made up to `as_of`, as fulfilled by a model."""
    run_sql(
        connection,
        "training/fulfil_requests",
        target=key.target,
        horizon_days=key.horizon_days,
        as_of=as_of,
        model_id=model_id,
    )
