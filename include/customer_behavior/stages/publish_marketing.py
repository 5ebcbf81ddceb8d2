"""`publish_marketing`: one morning for marketing, in one transaction."""

from datetime import date
from typing import Any

from customer_behavior.names import Role
from customer_behavior.readiness import require_recommendations, require_scores
from customer_behavior.settings import load_settings
from customer_behavior.warehouse import Warehouse, lock


def require_recommended(warehouse: Warehouse, as_of: date) -> None:
    """Raise NotReadyError unless `recommend` ran for the date."""
    with warehouse.begin(Role.SCORE) as connection:
        require_recommendations(connection, as_of)


def publish(warehouse: Warehouse, as_of: date, *, run_id: str | None = None) -> dict[str, Any]:
    """Publish `as_of`: the whole morning, or marketing keeps what it had; return what was published.

    Raises
    ------
    NotReadyError
        When the date has no scores, or no recommendations.
    CheckFailedError
        When a check fails.
    """
    from customer_behavior.marketing import contract

    settings = load_settings()
    with warehouse.begin(Role.SCORE) as connection:
        # The same locks as the stages that write what is read here: never half of one run and half of another.
        for name in (f"publish scores {as_of}", "recommend_actions", f"recommend_products {as_of}", f"publish {as_of}"):
            lock(connection, name)
        require_scores(connection, as_of, settings.primary)
        require_recommendations(connection, as_of)
        return contract.publish(connection, settings, as_of, run_id=run_id)
