"""Which model serves, decided by a person: the models to choose from, and the promotion of the one chosen."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from customer_behavior.errors import ConfigurationError, NotReadyError
from customer_behavior.models import promotions
from customer_behavior.names import Role
from customer_behavior.settings import TargetKey
from customer_behavior.tracking.mirror import mirror
from customer_behavior.warehouse import Warehouse, run_sql

MOST = 20
LEAVE = "leave it as it is"


@dataclass(frozen=True)
class Choice:
    """What a person chooses from.

    Attributes
    ----------
    options : list of str
        A line a model, its id last; then `LEAVE`.
    serves_after : date
        The chosen model serves the dates after it.
    now : str
        Which model serves them as it stands, in words.
    """

    options: list[str]
    serves_after: date
    now: str


def choices(warehouse: Warehouse, key: TargetKey, serves_after: date | None) -> Choice:
    """Return the newest models of a target; without a date they would serve the dates after the newest that the data knows.

    Raises
    ------
    ConfigurationError
        When no model of the target is registered.
    NotReadyError
        When nothing is loaded, so that no date is known.
    """
    with warehouse.begin(Role.SCORE) as connection:
        after = serves_after or run_sql(connection, "maintenance/newest_dates").one().known
        if after is None:
            raise NotReadyError(
                "nothing is loaded, so there is no date that a model could serve after: name one in the form"
            )
        found = run_sql(
            connection, "maintenance/models_to_choose", target=key.target, horizon_days=key.horizon_days, most=MOST
        ).all()
        serving = promotions.serving_after(connection, key.target, key.horizon_days, after)
    if not found:
        raise ConfigurationError(f"no model of {key} is registered: run train_models first")
    options = [_line(model, serving) for model in found]
    now = f"model {serving}" if serving else "no model"
    return Choice([*options, LEAVE], after, f"{now} serves the dates after {after}")


def _line(model: Any, serving: str | None) -> str:
    quality = (
        f"AUC {model.auc:.3f}"
        if model.auc is not None
        else f"MAE {model.mae:.2f}"
        if model.mae is not None
        else "not judged"
    )
    served = f"promoted as of {model.promoted_as_of}" if model.promoted_as_of else "never promoted"
    now = "serves now, " if model.model_id == serving else ""
    return f"trained as of {model.trained_as_of}, {quality}, {now}{served}: {model.model_id}"


def promote_chosen(
    warehouse: Warehouse,
    key: TargetKey,
    chosen: str,
    serves_after: date,
    *,
    reason: str,
    actor: str,
    run_id: str | None = None,
) -> dict[str, Any]:
    """Let the model of an option serve the dates after `serves_after`: a new row of models.promotions, nothing is deleted.

    Returns
    -------
    dict
        target, serves_after, from, to (model ids) and promotion_id; promotion_id is None where nothing was changed.
    """
    model_id = chosen.rpartition(": ")[2]
    done: dict[str, Any] = {"target": str(key), "serves_after": str(serves_after)}
    with warehouse.begin(Role.TRAIN) as connection:
        serving = promotions.serving_after(connection, key.target, key.horizon_days, serves_after)
        if chosen == LEAVE or model_id == serving:
            return {**done, "from": serving, "to": serving, "promotion_id": None}
        number = promotions.rollback(
            connection,
            key.target,
            key.horizon_days,
            model_id,
            serves_after,
            reason=reason or f"chosen by a person in place of {serving}",
            actor=actor,
            run_id=run_id,
        )
    mirror(warehouse)
    return {**done, "from": serving, "to": model_id, "promotion_id": number}
