"""The gate's decisions on record, and the requests to train that a training fulfils."""

import json
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
