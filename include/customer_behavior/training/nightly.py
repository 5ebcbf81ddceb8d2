"""One night's training: each target's snapshots, model, report, and the decision whether it serves."""

import logging
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy.engine import Connection

from customer_behavior.errors import CheckFailedError, ConfigurationError, NotReadyError
from customer_behavior.features import snapshot
from customer_behavior.ingest.readiness import first_batch_date, require_ready
from customer_behavior.settings import TargetKey, Training, load_features, load_targets
from customer_behavior.training import promotions, registry
from customer_behavior.training.core import Trained, train
from customer_behavior.training.cutoffs import plan_cutoffs
from customer_behavior.training.dataset import read_dataset
from customer_behavior.training.gate import Decision, decide
from customer_behavior.training.sampling import row_weights
from customer_behavior.warehouse import Warehouse, lock, run_sql

log = logging.getLogger(__name__)


def train_targets(
    warehouse: Warehouse,
    as_of: date,
    *,
    promote: bool,
    run_id: str | None,
    targets: list[TargetKey] | None = None,
    actor: str = "gate",
) -> list[dict[str, Any]]:
    """Train a model per target on what was known at `as_of`, register it, and let the gate decide.

    Parameters
    ----------
    promote : bool
        Whether a model that passes the gate serves the dates after `as_of`; else it is only registered.
    targets : list of TargetKey, optional
        All targets of targets.yaml by default.
    actor : str
        Who decides, as models.promotions shows it.

    Returns
    -------
    list of dict
        A summary per target, fit for JSON.

    Raises
    ------
    NotReadyError
        When a batch before `as_of` is missing from the ledger, the first one named; or nothing is known yet.
    """
    known = load_targets().target_keys()
    chosen = targets if targets is not None else known
    unknown = [str(key) for key in chosen if key not in known]
    if unknown:
        raise ConfigurationError(f"targets.yaml has no {', '.join(unknown)}, only {', '.join(map(str, known))}")
    first_event_day = _first_event_day(warehouse, as_of)
    return [_train_target(warehouse, key, as_of, first_event_day, promote, run_id, actor) for key in chosen]


def _first_event_day(warehouse: Warehouse, as_of: date) -> date:
    with warehouse.begin("train") as connection:
        require_ready(connection, as_of, first_batch_date(connection))
        day = run_sql(connection, "training/first_event_day", as_of=as_of).scalar()
    if day is None:
        raise NotReadyError(
            f"no customer's event is known at {as_of}, so there is nothing to train on: run load_history"
        )
    return day


def _train_target(
    warehouse: Warehouse,
    key: TargetKey,
    as_of: date,
    first_event_day: date,
    promote: bool,
    run_id: str | None,
    actor: str,
) -> dict[str, Any]:
    settings = load_targets()
    target = settings.targets[key.target]
    cutoffs = plan_cutoffs(first_event_day, as_of, key.horizon_days, settings.training)
    for day in cutoffs.all():
        snapshot.build(warehouse, day, role="train", run_id=run_id, only_if_missing=True)
    features = tuple(load_features())
    with warehouse.begin("train") as connection:
        data = read_dataset(connection, target, key, cutoffs, as_of, features, settings.training)
    trained = train(data, cutoffs, key, as_of, features, settings.training)
    with warehouse.begin("train") as connection:
        lock(connection, f"train {key.target}/{key.horizon_days}")
        name = registry.save(
            connection,
            trained.model,
            key,
            as_of,
            cutoffs,
            trained.evaluations,
            trained.gains,
            run_id,
            strata=data.strata(),
        )
        decision, promoted = _pass_gate(connection, trained, name, as_of, promote, run_id, actor, settings.training)
        run_sql(
            connection,
            "training/fulfil_requests",
            target=key.target,
            horizon_days=key.horizon_days,
            as_of=as_of,
            model_id=name,
        )
        serving = promotions.serving_after(connection, key.target, key.horizon_days, as_of)
    log.info("%s as of %s: model %s, promoted %s: %s", key, as_of, name, promoted, decision.reason)
    return _summary(trained, name, as_of, promoted, serving, decision)


def _pass_gate(
    connection: Connection,
    trained: Trained,
    name: str,
    as_of: date,
    promote: bool,
    run_id: str | None,
    actor: str,
    settings: Training,
) -> tuple[Decision, bool]:
    """Return the gate's decision and whether a promotion was written."""
    key = trained.key
    champion = promotions.serving_after(connection, key.target, key.horizon_days, as_of)
    if champion == name:
        return Decision(True, f"model {name} already serves the dates after {as_of}"), False
    decision = _against_champion(connection, trained, champion, settings)
    if not (decision.accepted and promote):
        return decision, False
    promotions.promote(
        connection, key.target, key.horizon_days, name, as_of, reason=decision.reason, actor=actor, run_id=run_id
    )
    return decision, True


def _against_champion(connection: Connection, trained: Trained, champion: str | None, settings: Training) -> Decision:
    if champion is None:
        return Decision(True, "the first model of this target")
    report = trained.data.report
    try:
        old = registry.load(connection, champion).predict(report) if len(report) else np.empty(0)
    except CheckFailedError as error:
        return Decision(True, f"the champion cannot score: {error}")
    return decide(
        report["label"].to_numpy(dtype=float),
        trained.model.predict(report),
        old,
        champion,
        settings.max_log_loss_loss,
        row_weights(report),
    )


def _summary(
    trained: Trained, name: str, as_of: date, promoted: bool, serving: str | None, decision: Decision
) -> dict[str, Any]:
    shown = ("auc", "auc_low", "auc_high", "auc_gain_low", "brier", "log_loss", "ece", "lift10")
    recipe = trained.model.recipe
    return {
        "target": trained.key.target,
        "horizon_days": trained.key.horizon_days,
        "as_of": str(as_of),
        "model_id": name,
        "kind": trained.model.kind,
        "confidence": recipe["confidence"],
        "why": recipe.get("why"),
        "accepted": decision.accepted,
        "promoted": promoted,
        "reason": decision.reason,
        "serving": serving,
        "cutoffs": recipe["cutoffs"],
        "rows": recipe["rows"],
        "evaluations": {
            row["contender"]: {number: _plain(row[number]) for number in shown} for row in trained.evaluations
        },
    }


def _plain(value: float | None) -> float | None:
    """Return a number as JSON has it: rounded, and null for not a number."""
    return None if value is None or np.isnan(value) else round(value, 5)
