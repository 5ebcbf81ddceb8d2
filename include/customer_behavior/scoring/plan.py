"""How many buckets a date's customers are cut into."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.errors import NotReadyError


def plan_buckets(connection: Connection, as_of: date, bucket_rows: int) -> list[int]:
    """Return the buckets of a date, 0 to ceil(customers / bucket_rows) - 1, at least one.

    Raises
    ------
    NotReadyError
        When the date has no snapshot.
    """
    count = sa.text("SELECT count(*) FROM features.customer_snapshot WHERE as_of_date = :as_of")
    rows = connection.execute(count, {"as_of": as_of}).scalar_one()
    if not rows:
        raise NotReadyError(f"features.customer_snapshot has no customer as of {as_of}: build the snapshot first")
    return list(range(-(-rows // bucket_rows)))
