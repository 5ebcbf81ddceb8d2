"""`recommend`: products and actions of a date's scored customers."""

from datetime import date
from typing import Any

from customer_behavior.names import Dag, Role
from customer_behavior.readiness import require_day_before, require_scores
from customer_behavior.settings import load_settings
from customer_behavior.warehouse import Warehouse, lock

ACTIONS = "marketing.action_recommendations"


def require_scored(warehouse: Warehouse, as_of: date) -> None:
    """Raise NotReadyError unless `as_of` has been scored, and the recommendations of the day before are there."""
    with warehouse.begin(Role.SCORE) as connection:
        require_day_before(connection, ACTIONS, as_of, Dag.RECOMMEND)
        require_scores(connection, as_of, load_settings().primary)


def products(warehouse: Warehouse, as_of: date, *, run_id: str | None = None) -> dict[str, Any]:
    """Write the products of `as_of`, in place of what the date held; return the rows written.

    Raises
    ------
    NotReadyError
        When `as_of` has not been scored: what it needs to know may not have landed either.
    """
    from customer_behavior.recommend.products.repeat_purchases import recommend_products

    settings = load_settings()
    with warehouse.begin(Role.SCORE) as connection:
        lock(connection, f"recommend_products {as_of}")
        require_scores(connection, as_of, settings.primary)
        return recommend_products(connection, settings, as_of, run_id=run_id)


def actions(warehouse: Warehouse, as_of: date, *, run_id: str | None = None) -> dict[str, Any]:
    """Write one row per scored customer of `as_of`, in place of what the date held; return counts by action.

    Raises
    ------
    NotReadyError
        When `as_of` has not been scored, or has earlier dates but not the day before: who was contacted lately is
        not known then.
    """
    from customer_behavior.recommend.actions.next_actions import recommend_actions

    settings = load_settings()
    with warehouse.begin(Role.SCORE) as connection:
        lock(connection, "recommend_actions")
        require_scores(connection, as_of, settings.primary)
        require_day_before(connection, ACTIONS, as_of, Dag.RECOMMEND)
        return recommend_actions(connection, settings, as_of, run_id=run_id)
