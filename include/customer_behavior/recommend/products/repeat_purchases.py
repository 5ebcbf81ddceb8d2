"""Products to show: what the customer buys again and again, recent purchases counting more."""

import logging
from datetime import date, timedelta
from typing import Any

from customer_behavior.ingest.dimensions.consent import consent_rule
from customer_behavior.settings import load_actions, load_shop
from customer_behavior.warehouse import Warehouse, ensure_partitions, lock
from customer_behavior.warehouse.slices import replace_date, require_scores

log = logging.getLogger(__name__)

TABLE = "marketing.product_recommendations"


def recommend_products(warehouse: Warehouse, as_of: date, *, run_id: str | None = None) -> dict[str, Any]:
    """Write the products of `as_of`, in place of what the date held; return the rows written.

    Raises
    ------
    NotReadyError
        When `as_of` has not been scored: what it needs to know may not have landed either.
    """
    ranking = load_actions().recommendations
    with warehouse.begin("score") as connection:
        lock(connection, f"recommend_products {as_of}")
        require_scores(connection, as_of, load_shop().primary_target)
        ensure_partitions(connection, TABLE, as_of, as_of, unit="month")
        written = replace_date(
            connection,
            TABLE,
            as_of,
            "recommend/insert_products",
            run_id=run_id,
            first_day=as_of - timedelta(days=ranking.window_days),
            half_life_days=ranking.half_life_days,
            products=ranking.products,
            unknown=consent_rule(connection).unknown,
        )
    log.info("%s: %d product recommendations", as_of, written)
    return {"as_of": str(as_of), "rows": written}
