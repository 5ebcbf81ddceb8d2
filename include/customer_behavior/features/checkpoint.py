"""Monthly checkpoints: what every customer did before the first of a month, so that no night reads the whole past.

A checkpoint is made once every batch that may deliver events of its days is known (`known_until`), and is used by snapshots from
that date on. It remembers the ledger it was made from: after a batch of its past is loaded again it is stale, and made anew.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.features.ledger import fingerprint, first_event_day
from customer_behavior.ingest.source import lateness_days
from customer_behavior.names import Role
from customer_behavior.warehouse import Warehouse, lock, make_temporary, replace_slice, run_sql, sql_text


def ensure(
    warehouse: Warehouse, sources: Sequence[str], as_of: date, *, role: Role, run_id: str | None = None
) -> date | None:
    """Make the newest checkpoint that `as_of` may use, if it is not there or stale; return its date, None if it has none."""
    lateness = timedelta(days=lateness_days(sources))
    wanted = (as_of - lateness).replace(day=1)
    with warehouse.begin(role) as connection:
        first = first_event_day(connection, as_of)
        if first is None or wanted <= first:
            return None
        if usable(connection, as_of) == wanted:
            return wanted
        lock(connection, "checkpoints")
        if usable(connection, as_of) == wanted:  # another run has made it meanwhile
            return wanted
        known_until = wanted + lateness
        _make(connection, wanted, known_until, usable(connection, known_until), run_id)
        return wanted


def usable(connection: Connection, as_of: date) -> date | None:
    """Return the newest checkpoint that is not stale and whose batches are all known as of `as_of`; None: there is none."""
    for one in run_sql(connection, "features/checkpoints", as_of=as_of).all():
        if one.ledger == fingerprint(connection, one.known_until):
            return one.checkpoint_date
    return None


def make_lifetime(connection: Connection, checkpoint: date | None, *, before: date, known_until: date) -> None:
    """Make the temporary table lifetime: what every customer did before a day, from a checkpoint and the days since."""
    days = {"checkpoint": checkpoint, "before": before, "known_until": known_until}
    make_temporary(connection, "lifetime", sql_text("features/lifetime").text, **days)


def _make(
    connection: Connection, checkpoint: date, known_until: date, earlier: date | None, run_id: str | None
) -> None:
    here = {"day": checkpoint}
    connection.execute(sa.text("DELETE FROM features.checkpoints WHERE checkpoint_date = :day"), here)
    # The ledger first: a load that ends between the two makes the checkpoint stale, not wrong.
    run_sql(
        connection,
        "features/insert_checkpoint_ledger",
        checkpoint_date=checkpoint,
        known_until=known_until,
        ledger=fingerprint(connection, known_until),
    )
    before = earlier if earlier is not None and earlier < checkpoint else None
    make_lifetime(connection, before, before=checkpoint, known_until=known_until)
    replace_slice(
        connection,
        "features.customer_checkpoint",
        {"checkpoint_date": checkpoint},
        lambda: run_sql(connection, "features/insert_checkpoint", checkpoint_date=checkpoint).rowcount,
        piece=str(checkpoint),
        run_id=run_id,
    )
    connection.execute(sa.text("DROP TABLE lifetime"))
