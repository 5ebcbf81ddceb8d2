"""Which model serves which date. The newest promotion with effective_as_of < D scores D; nothing is ever overwritten."""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.asof import ONE_DAY
from customer_behavior.errors import CheckFailedError, ConfigurationError, NotReadyError
from customer_behavior.models import registry
from customer_behavior.models.protocol import Model
from customer_behavior.settings import Population, Settings, Target, TargetKey, Targets
from customer_behavior.targets.statements import population_of
from customer_behavior.warehouse import audit, lock, run_sql


def champion(connection: Connection, target: str, horizon_days: int, as_of: date) -> str | None:
    """Return the model that scores `as_of`: that of the newest promotion strictly before it; None when there is none."""
    return run_sql(connection, "models/champion", target=target, horizon_days=horizon_days, as_of=as_of).scalar()


def serving_after(connection: Connection, target: str, horizon_days: int, as_of: date) -> str | None:
    """Return the model that serves the dates after `as_of`, as far as it is decided."""
    return champion(connection, target, horizon_days, as_of + ONE_DAY)


def champions(connection: Connection, targets: Targets, primary: TargetKey, as_of: date) -> dict[TargetKey, str]:
    """Return the model of every target that is scored at night and has one at `as_of`.

    Raises
    ------
    ConfigurationError
        When the primary target is none of those, or an amount.
    NotReadyError
        When the primary target has none.
    """
    asked = targets.scored_keys()
    if primary not in asked or targets.targets[primary.target].kind != "probability":
        raise ConfigurationError(
            f"shop.yaml: primary_target {primary} is not among the probabilities of customers in targets.yaml "
            f"({', '.join(map(str, asked))})"
        )
    found = {key: champion(connection, key.target, key.horizon_days, as_of) for key in asked}
    if found.get(primary) is None:
        raise NotReadyError(
            f"no model of {primary} was promoted before {as_of}, so that date cannot be scored: run train_models for an "
            "earlier date, with promotion"
        )
    return {key: model for key, model in found.items() if model is not None}


@dataclass(frozen=True)
class Serving:
    """A target that is asked of customers, whom it asks, and the id of the model that answers."""

    key: TargetKey
    target: Target
    population: Population
    model_id: str


def serving_models(connection: Connection, settings: Settings, as_of: date) -> list[Serving]:
    """Return the model of every target of customers that has one at `as_of`, in the order of targets.yaml.

    Raises
    ------
    NotReadyError
        When the primary target has none.
    """
    by_target = champions(connection, settings.targets, settings.primary, as_of)
    named = [(key, settings.targets.targets[key.target], model_id) for key, model_id in by_target.items()]
    return [
        Serving(key, target, population_of(target), model_id)
        for key, target, model_id in named
        if target.entity == "customer"
    ]


@dataclass(frozen=True)
class Champion:
    """What serves a date: its id, and the model with the fit that it was judged by, if that is another; or why it cannot be read."""

    model_id: str
    model: Model | None
    judged: Model | None = None
    problem: str = ""


def read_champion(connection: Connection, key: TargetKey, as_of: date) -> Champion | None:
    """Return the model that scores `as_of`, promoted strictly before it; None when there is none."""
    model_id = champion(connection, key.target, key.horizon_days, as_of)
    if model_id is None:
        return None
    try:
        return Champion(model_id, registry.load(connection, model_id), registry.load_judged(connection, model_id))
    except CheckFailedError as error:
        return Champion(model_id, None, problem=str(error))


def promote(
    connection: Connection,
    target: str,
    horizon_days: int,
    model_id: str,
    effective_as_of: date,
    *,
    reason: str,
    actor: str,
    run_id: str | None = None,
) -> int:
    """Let a model serve the dates after `effective_as_of`; return the promotion's number."""
    number = run_sql(
        connection,
        "models/promote",
        target=target,
        horizon_days=horizon_days,
        model_id=model_id,
        effective_as_of=effective_as_of,
        reason=reason,
        actor=actor,
    ).scalar_one()
    audit(connection, "models.promotions", f"{effective_as_of} {target}/{horizon_days}", 0, 1, run_id)
    return number


def rollback(
    connection: Connection,
    target: str,
    horizon_days: int,
    model_id: str,
    effective_as_of: date,
    *,
    reason: str,
    actor: str,
    run_id: str | None = None,
) -> int:
    """Let an earlier model serve the dates after `effective_as_of` again, as a new row; return the promotion's number.

    Raises
    ------
    ConfigurationError
        When no such model of that target is registered, or it was trained after `effective_as_of`.
    """
    lock(connection, f"train {target}/{horizon_days}")
    known = connection.execute(
        sa.text("SELECT target, horizon_days, trained_as_of FROM models.model_versions WHERE model_id = :model_id"),
        {"model_id": model_id},
    ).one_or_none()
    if known is None:
        raise ConfigurationError(f"no model {model_id} is registered: see models.model_versions for those there are")
    if (known.target, known.horizon_days) != (target, horizon_days):
        raise ConfigurationError(
            f"model {model_id} is of {known.target}/{known.horizon_days}d, not of {target}/{horizon_days}d"
        )
    if known.trained_as_of > effective_as_of:
        raise ConfigurationError(
            f"model {model_id} was trained as of {known.trained_as_of} and knows what was not known on {effective_as_of}: "
            f"let it serve the dates after {known.trained_as_of} or later ones"
        )
    return promote(
        connection, target, horizon_days, model_id, effective_as_of, reason=reason, actor=actor, run_id=run_id
    )
