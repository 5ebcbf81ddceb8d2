"""`train_models`: each target's rows, model, report, and the decision whether it serves."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy.engine import Connection

from customer_behavior.data_quality.usability import Finding, inspect_sources
from customer_behavior.errors import ConfigurationError, NotReadyError
from customer_behavior.features import sessions, snapshot
from customer_behavior.features.ledger import first_event_day
from customer_behavior.ingest.source import lateness_days
from customer_behavior.models import promotions, registry
from customer_behavior.names import Role
from customer_behavior.readiness import require_history
from customer_behavior.reporting import training_report as reports
from customer_behavior.settings import Settings, Target, TargetKey, Training, load_settings
from customer_behavior.targets.cutoffs import Cutoffs, plan_cutoffs
from customer_behavior.targets.dataset import Dataset, read_dataset
from customer_behavior.tracking.mirror import mirror
from customer_behavior.training import decisions
from customer_behavior.training.core import Trained, train
from customer_behavior.training.gate import Decision
from customer_behavior.training.judging import against_champion, against_kept, warm_start_of
from customer_behavior.training.question import Question
from customer_behavior.training.search import search_due
from customer_behavior.training.tuning import Tuned
from customer_behavior.warehouse import Warehouse, lock

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Night:
    """What a night's trainings have in common."""

    warehouse: Warehouse
    settings: Settings
    as_of: date
    promote: bool
    run_id: str | None
    actor: str


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
    settings = load_settings()
    known = settings.targets.target_keys()
    chosen = targets if targets is not None else known
    unknown = [str(key) for key in chosen if key not in known]
    if unknown:
        raise ConfigurationError(f"targets.yaml has no {', '.join(unknown)}, only {', '.join(map(str, known))}")
    first_day, findings = _look_at_sources(warehouse, settings, as_of)
    night = Night(warehouse, settings, as_of, promote, run_id, actor)
    return [_train_target(night, key, first_day, findings) for key in chosen]


def _look_at_sources(warehouse: Warehouse, settings: Settings, as_of: date) -> tuple[date, list[Finding]]:
    """Return the first event's day and what is wrong with the sources."""
    sources = settings.shop.sources
    with warehouse.begin(Role.TRAIN) as connection:
        require_history(connection, sources, as_of)
        day = first_event_day(connection, as_of)
        if day is None:
            raise NotReadyError(
                f"no customer's event is known at {as_of}, so there is nothing to train on: run load_history"
            )
        return day, inspect_sources(connection, sources, as_of)


def _train_target(night: Night, key: TargetKey, first_day: date, findings: Sequence[Finding]) -> dict[str, Any]:
    targets = night.settings.targets
    target, settings = targets.targets[key.target], targets.training_of(key.target)
    features = night.settings.model_features(target.entity)
    # What a session ended in is as known on the day after it, whatever comes later.
    lateness = lateness_days(night.settings.shop.sources) if target.entity == "customer" else 0
    cutoffs = plan_cutoffs(first_day, night.as_of, key.horizon_days, settings, lateness_days=lateness)
    question = Question(
        key=key,
        features=tuple(features),
        kind=target.kind,
        unique_by="customer_id" if target.entity == "customer" else "",
        monotone=target.monotone,
        catalogue=features,
    )
    data = _read(night, target, question, cutoffs, settings)
    if target.entity == "session" and not any(len(part) for part in data.parts().values()):
        return _skipped(key, night.as_of)
    with night.warehouse.begin(Role.TRAIN) as connection:
        champion = promotions.read_champion(connection, key, night.as_of)
        due = search_due(
            connection, key, night.as_of, champion.model if champion else None, features, settings.tuning.every_days
        )
    log.info("%s as of %s: %s", key, night.as_of, f"searched, as {due}" if due else "the champion's procedure is kept")
    trained, search_verdict = _fit(night, data, cutoffs, question, settings, champion, due is not None, findings)
    with night.warehouse.begin(Role.TRAIN) as connection:
        lock(connection, f"train {key.target}/{key.horizon_days}")
        name = registry.save(connection, trained.registration(), night.as_of, night.run_id)
        decision, promoted = _pass_gate(connection, night, trained, name, settings, champion, search_verdict)
        decisions.fulfil_requests(connection, key, night.as_of, name)
        serving = promotions.serving_after(connection, key.target, key.horizon_days, night.as_of)
        reports.save(
            connection,
            trained,
            target,
            name,
            night.as_of,
            decision,
            promoted,
            night.settings.shop.currency,
            night.run_id,
        )
    log.info("%s as of %s: model %s, promoted %s: %s", key, night.as_of, name, promoted, decision.reason)
    mirror(night.warehouse)
    return _summary(trained, name, night.as_of, promoted, serving, decision)


def _read(night: Night, target: Target, question: Question, cutoffs: Cutoffs, settings: Training) -> Dataset:
    """Return the rows of every cutoff; snapshots that are missing, or older than what they are made of, are built."""
    for day in cutoffs.all():
        if target.entity == "customer":
            snapshot.build(
                night.warehouse, night.settings, day, role=Role.TRAIN, run_id=night.run_id, only_if_missing=True
            )
        else:
            sessions.build(
                night.warehouse, night.settings, day, role=Role.TRAIN, run_id=night.run_id, only_if_missing=True
            )
    with night.warehouse.begin(Role.TRAIN) as connection:
        return read_dataset(connection, target, question.key, cutoffs, night.as_of, question.catalogue, settings)


def _fit(
    night: Night,
    data: Dataset,
    cutoffs: Cutoffs,
    question: Question,
    settings: Training,
    champion: promotions.Champion | None,
    search: bool,
    findings: Sequence[Finding],
) -> tuple[Trained, Decision | None]:
    """Return a training of the champion's procedure, or of what a search found where it is surely better; and the verdict on it."""
    old = champion.model if champion else None
    fit = partial(
        train,
        data,
        cutoffs,
        question,
        night.as_of,
        settings,
        champion=warm_start_of(old) if old else None,
        findings=findings,
    )
    if not search:
        return fit(keep=Tuned({})), None
    searched = fit()
    both_normal = {card.get("confidence") for card in (searched.model.card, old.card if old else {})} == {"normal"}
    if old is None or not both_normal or not searched.another_procedure(old):
        return searched, None
    kept = fit(keep=searched.tuned)
    search_verdict = against_kept(searched, kept, settings)
    return (searched if search_verdict.accepted else kept), search_verdict


def _pass_gate(
    connection: Connection,
    night: Night,
    trained: Trained,
    name: str,
    settings: Training,
    champion: promotions.Champion | None,
    search_verdict: Decision | None,
) -> tuple[Decision, bool]:
    """Return the gate's decision, which goes on record, and whether a promotion was written.

    A model is judged once a date: another run of it gets the decision on record, and promotes nothing that was promoted before.
    """
    key = trained.key
    known = decisions.known(connection, key, night.as_of, name)
    decision, promoted = known.decision if known else _decide(trained, champion, search_verdict, settings), False
    if decision.accepted and night.promote and not (known and known.promoted):
        waits = settings.gate.approval and champion is not None
        if waits and not known:
            decision = replace(decision, reason=f"{decision.reason}; waits for a person's approval (promote_model)")
        if not waits:
            promotions.promote(
                connection,
                key.target,
                key.horizon_days,
                name,
                night.as_of,
                reason=decision.reason,
                actor=night.actor,
                run_id=night.run_id,
            )
            promoted = True
    if promoted or not known:
        decisions.record(
            connection,
            key,
            night.as_of,
            model_id=name,
            champion_id=champion.model_id if champion else None,
            decision=decision,
            promoted=promoted,
            run_id=night.run_id,
        )
    return decision, promoted


def _decide(
    trained: Trained, champion: promotions.Champion | None, search_verdict: Decision | None, settings: Training
) -> Decision:
    if champion is None:
        return Decision(True, "the first model of this target")
    if champion.model is None:
        return Decision(True, f"the champion cannot score: {champion.problem}")
    decision = against_champion(trained, champion, settings)
    if search_verdict is None:
        return decision
    return Decision(
        decision.accepted, f"{decision.reason}; {search_verdict.reason}", {**decision.checks, **search_verdict.checks}
    )


def _skipped(key: TargetKey, as_of: date) -> dict[str, Any]:
    """Return the summary of a target of sessions in a shop whose sources show none."""
    reason = "no source shows visits, so there are no sessions to learn from; no model was made"
    log.warning("%s as of %s: %s", key, as_of, reason)
    return {
        "target": key.target,
        "horizon_days": key.horizon_days,
        "as_of": str(as_of),
        "model_id": None,
        "promoted": False,
        "reason": reason,
    }


def _summary(
    trained: Trained, name: str, as_of: date, promoted: bool, serving: str | None, decision: Decision
) -> dict[str, Any]:
    card = trained.model.card
    unsaid = ("contender", "n", "served")
    return {
        "target": trained.key.target,
        "horizon_days": trained.key.horizon_days,
        "as_of": str(as_of),
        "model_id": name,
        "kind": trained.model.kind,
        "served": trained.contender,
        "confidence": card["confidence"],
        "why": card.get("why"),
        "accepted": decision.accepted,
        "promoted": promoted,
        "reason": decision.reason,
        "serving": serving,
        "cutoffs": card["cutoffs"],
        "rows": card["rows"],
        "findings": [finding.statement for finding in trained.findings if finding.severity != "note"],
        "evaluations": {
            row["contender"]: {number: _plain(value) for number, value in row.items() if number not in unsaid}
            for row in trained.evaluations
        },
        "duration_seconds": round(trained.duration_seconds, 1),
    }


def _plain(value: float | None) -> float | None:
    """Return a number as JSON has it: rounded, and null for not a number."""
    return None if value is None or np.isnan(value) else round(value, 5)
