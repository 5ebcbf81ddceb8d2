"""Which models score a date's customers."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.engine import Connection

from customer_behavior.models.promotions import champions
from customer_behavior.settings import Population, Target, TargetKey, load_shop, load_targets
from customer_behavior.targets.statements import population_of


@dataclass(frozen=True)
class Serving:
    """A target that is asked of customers, whom it asks, and the model that answers."""

    key: TargetKey
    target: Target
    population: Population
    model_id: str


def serving_models(connection: Connection, as_of: date) -> list[Serving]:
    """Return the model of every target of customers that has one at `as_of`, in the order of targets.yaml.

    Raises
    ------
    NotReadyError
        When the primary target has none.
    """
    settings = load_targets()
    found = champions(connection, settings, load_shop().primary_target, as_of)
    asked = [(key, settings.targets[key.target], name) for key, name in found.items()]
    return [
        Serving(key, target, population_of(target), name) for key, target, name in asked if target.entity == "customer"
    ]
