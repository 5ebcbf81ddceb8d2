"""How many buckets a date's customers are cut into."""

from datetime import date

import sqlalchemy as sa

from customer_behavior.errors import NotReadyError
from customer_behavior.scoring.serving import serving_models
from customer_behavior.settings import load_targets
from customer_behavior.warehouse import Warehouse


def plan_buckets(warehouse: Warehouse, as_of: date) -> list[int]:
    """Return the buckets of a date, 0 to ceil(customers / bucket_rows) - 1, at least one.

    Raises
    ------
    NotReadyError
        When the date has no snapshot, or the primary target no model that was promoted before it.
    """
    with warehouse.begin("score") as connection:
        serving_models(connection, as_of)
        count = sa.text("SELECT count(*) FROM features.customer_snapshot WHERE as_of_date = :as_of")
        rows = connection.execute(count, {"as_of": as_of}).scalar_one()
    if not rows:
        raise NotReadyError(f"features.customer_snapshot has no customer as of {as_of}: build the snapshot first")
    return list(range(-(-rows // load_targets().scoring.bucket_rows)))
