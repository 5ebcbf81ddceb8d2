"""A batch whose files are gone is not loaded again as an empty one: that would take out what it had loaded."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.engine import Connection

from customer_behavior.errors import BadInputError
from customer_behavior.warehouse import run_sql


def refuse_to_empty(connection: Connection, source: str, without_files: Sequence[date]) -> None:
    """Refuse batches that have no files now and were loaded from some before; the tables keep what they had.

    Raises
    ------
    BadInputError
        Naming the first such batch, its rows and its files, and what to do.
    """
    if not without_files:
        return
    loaded = run_sql(connection, "ingest/emptied_batches", source=source, dates=list(without_files)).all()
    if not loaded:
        return
    first = loaded[0]
    more = f" (and {len(loaded) - 1} more batches)" if len(loaded) > 1 else ""
    raise BadInputError(
        f"{source} {first.batch_date}{more}: its {first.rows_accepted:,} rows were loaded from {first.files}, which is no longer "
        "there, so loading it again would only take them out; nothing was changed. Land the file again; if the day is meant to be "
        "empty, land a file with the header alone"
    )
