"""What features were made from: the ledger's batches of events, and whether one of them has been loaded since."""

from datetime import date

from sqlalchemy.engine import Connection

from customer_behavior.warehouse import run_sql


def fingerprint(connection: Connection, known_until: date) -> str:
    """Return a fingerprint of the batches of events before `known_until`: a load of any of them changes it."""
    return run_sql(connection, "features/ledger", known_until=known_until).one().fingerprint


def first_event_day(connection: Connection, as_of: date) -> date | None:
    """Return the first day with an event, as known at `as_of`; None when nothing is known."""
    day: date | None = run_sql(connection, "features/first_event_day", as_of=as_of).scalar()
    return day


def is_current(connection: Connection, table: str, piece: str, known_until: date, *, rows: int) -> bool:
    """Return whether the last write of a slice stands, and no batch of events before `known_until` has been loaded since.

    Parameters
    ----------
    table, piece : str
        The slice, as the audit of writes names it. A write that the audit has forgotten (`write_audit_days`) is not known to stand.
    rows : int
        Rows that the table has of it: none stands for its last write only if that wrote none.
    """
    write = run_sql(connection, "features/last_write", table_name=table, piece=piece).first()
    if write is None or (write.rows_written and not rows):
        return False
    loaded_at = run_sql(connection, "features/ledger", known_until=known_until).one().loaded_at
    return loaded_at is not None and write.written_at > loaded_at
