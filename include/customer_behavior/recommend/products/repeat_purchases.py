"""Products to show: what the customer buys again and again, recent purchases counting more."""

import logging
from datetime import date, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from customer_behavior.ingest.dimensions.consent import consent_rule
from customer_behavior.settings import Settings
from customer_behavior.warehouse import ensure_partitions, replace_date_by

log = logging.getLogger(__name__)

TABLE = "marketing.product_recommendations"


def recommend_products(
    connection: Connection, settings: Settings, as_of: date, *, run_id: str | None
) -> dict[str, Any]:
    """Write the products of `as_of`, in place of what the date held; return the rows written."""
    ranking = settings.actions.recommendations
    ensure_partitions(connection, TABLE, as_of, as_of, unit="month")
    written = replace_date_by(
        connection,
        TABLE,
        as_of,
        "recommend/insert_products",
        run_id=run_id,
        first_day=as_of - timedelta(days=ranking.window_days),
        half_life_days=ranking.half_life_days,
        products=ranking.products,
        unknown=consent_rule(connection, settings.shop).unknown,
    )
    log.info("%s: %d product recommendations", as_of, written)
    return {"as_of": str(as_of), "rows": written}
