"""Replaying rejects after a mapping was corrected: the batches that hold them are loaded again from their files."""

from datetime import date
from pathlib import Path

import sqlalchemy as sa

from customer_behavior.ingest.batches import load_batches
from customer_behavior.names import Role
from customer_behavior.settings import Shop
from customer_behavior.warehouse import Warehouse


def replay_rejects(
    warehouse: Warehouse,
    shop: Shop,
    source: str,
    first: date,
    last: date,
    reason: str | None = None,
    *,
    landing: Path,
) -> list[tuple[date, int, int]]:
    """Load each batch `first` to `last` of `source` with rejects (of `reason`, if given) again, oldest first.

    The file is the truth: a batch is replaced as by any load, so that a replay can be run twice, and batches without rejects are
    left alone.

    Returns
    -------
    list of tuple
        Batch date, rejects before, rejects after.
    """
    rejects = sa.text(
        "SELECT batch_date, count(*) FROM raw.rejected_events WHERE source = :source AND batch_date BETWEEN :first AND :last"
        " AND (CAST(:reason AS TEXT) IS NULL OR reason = :reason) GROUP BY batch_date ORDER BY batch_date"
    )
    asked = {"source": source, "first": first, "last": last, "reason": reason}
    with warehouse.begin(Role.INGEST) as connection:
        before = [(row[0], row[1]) for row in connection.execute(rejects, asked)]
    for batch_date, _ in before:
        load_batches(warehouse, shop, source, batch_date, batch_date, landing=landing)
    with warehouse.begin(Role.INGEST) as connection:
        after = {row[0]: row[1] for row in connection.execute(rejects, asked)}
    return [(batch_date, count, after.get(batch_date, 0)) for batch_date, count in before]
