"""Forgetting a person: every row about them goes, in one transaction, and what would bring them back is left out from then on.

The landed files are not the platform's to change. A batch loaded again does not bring the person back: see `ingest.erased`.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.errors import PlatformError, TemporaryError, WarehouseError
from customer_behavior.ingest.erased import VISIT, digests, salt_of
from customer_behavior.ingest.naming import folded, forms
from customer_behavior.maintenance.personal_data import LINE_TABLES, PERSON_TABLES, PersonTable
from customer_behavior.maintenance.persons import CLEAR, Person, find_person, note_ids, source_namespaces, typed_ids
from customer_behavior.maintenance.texts import Texts
from customer_behavior.warehouse import Warehouse, audit, lock, run_sql

log = logging.getLogger(__name__)

ERASED_PIECE = "erasure of a person"  # the audit must not remember whom
PATIENCE = timedelta(minutes=30)  # for transactions of other stages
LOOK_EVERY = 1.0  # seconds


def erase_customer(
    warehouse: Warehouse,
    customer_id: str | Iterable[str],
    dry_run: bool = True,
    *,
    spelling: str = CLEAR,
    run_id: str | None = None,
) -> dict[str, Any]:
    """Remove a person from every table, or count what would go.

    Goes by the registry of `personal_data`: rows of the person go, rows of their visits in which nobody is named as well; what
    others' rows and refused lines say about them is emptied. The ledger counts the rows as erased, so that it stays equal to the
    tables. Stages that were running are waited for, and what they wrote meanwhile goes too.

    Parameters
    ----------
    customer_id : str, or list of str
        The person's id, or several, one a line; upper and lower case and a source's namespace do not matter.
    spelling : str
        One of `persons.SPELLINGS`: what to do when an id is there in several spellings.

    Returns
    -------
    dict
        dry_run, customers (ids of the warehouse that were meant), rows ({table: rows}); no id.

    Raises
    ------
    ConfigurationError
        When no customer is named, or it is not clear who is meant.
    """
    typed = typed_ids(customer_id)
    try:
        person, rows, moment = _pass(warehouse, typed, dry_run, spelling, run_id)
        if not dry_run:
            # Always: a transaction that had read before the erasure may have written and ended since.
            _wait_for_older(warehouse, moment)
            _, later, _ = _pass(warehouse, person, dry_run, spelling, run_id)
            rows = {table: n + later[table] for table, n in rows.items()}
    except (WarehouseError, TemporaryError) as error:
        # The statement's parameters are the person: neither they nor the error that holds them may reach a log.
        kind = TemporaryError if isinstance(error, TemporaryError) else PlatformError
        raise kind("the database ended the erasure; nothing of this try was erased, run it again") from None
    found = {table: n for table, n in rows.items() if n}
    log.info("erasure%s: %d customers, rows %s", " (dry run)" if dry_run else "", person.found, found)
    if not found:
        log.warning("no row names that person: look at how the shop's files write the id")
    return {"dry_run": dry_run, "customers": person.found, "rows": rows}


def _pass(
    warehouse: Warehouse, who: list[str] | Person, dry_run: bool, spelling: str, run_id: str | None
) -> tuple[Person, dict[str, int], datetime]:
    with warehouse.begin() as connection:
        lock(connection, "maintenance")
        if not dry_run:
            _lock_tables(connection)
        if isinstance(who, Person):
            person = who
            note_ids(connection, person)
        else:
            person = find_person(connection, who, spelling)
        run_sql(connection, "maintenance/visits_of_person")
        visits = connection.execute(sa.text("SELECT source, session_id, cast(day AS text) FROM erased_visits")).all()
        rows = {table: _erase_rows(connection, table, place, dry_run) for table, place in PERSON_TABLES.items()}
        texts = Texts(connection, person)
        for table, place in PERSON_TABLES.items():
            for column in place.free:
                rows[f"{table}.{column}"] = texts.empty(table, (column,), dry_run)
        for table, columns in LINE_TABLES.items():
            rows[table] = texts.empty(table, columns, dry_run)
        if not dry_run:
            _remember(connection, person, texts.named_in, visits)
            for table, n in rows.items():
                if n:
                    audit(connection, table, ERASED_PIECE, n, 0, run_id)
    with warehouse.begin() as connection:  # after the commit: who begins now reads what it left
        moment = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    return person, rows, moment


def _lock_tables(connection: Connection) -> None:
    """Let nobody write to the tables until the end; never hold some while waiting for others, which could stop a night.

    Raises
    ------
    PlatformError
        When stages were writing for longer than `PATIENCE`.
    """
    tables = ", ".join([*PERSON_TABLES, *LINE_TABLES, "raw.ingest_batches"])
    until = time.monotonic() + PATIENCE.total_seconds()
    while True:
        try:
            with connection.begin_nested():
                connection.execute(sa.text(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE NOWAIT"))
            return
        except sa.exc.OperationalError:
            if time.monotonic() > until:
                raise PlatformError(
                    f"other runs were writing for {PATIENCE}, so nothing was erased: wait for them to end, and run this again"
                ) from None
            time.sleep(LOOK_EVERY)


def _wait_for_older(warehouse: Warehouse, moment: datetime) -> None:
    """Wait until all transactions that began before `moment`, and may not know of the erasure, have ended.

    What such a one had read before the erasure, it may write after it: a publication, for example.
    """
    until = time.monotonic() + PATIENCE.total_seconds()
    while True:
        with warehouse.begin() as connection:
            if not run_sql(connection, "maintenance/older_transactions", moment=moment).scalar_one():
                return
        if time.monotonic() > until:
            raise PlatformError(
                f"the person was erased, but a transaction that began before is still open after {PATIENCE} and may write what it "
                "had read: run this again when it has ended"
            )
        time.sleep(LOOK_EVERY)


def _remember(connection: Connection, person: Person, named_in: set[str], visits: Sequence[sa.Row]) -> None:
    """Note the salted hashes by which a load knows the person, and their visits, again.

    An id without its namespace may be another source's customer, so it is not noted. Where only refused lines name the person, the
    id is noted as the sources of those lines would write it.
    """
    salt, namespaces = salt_of(connection), source_namespaces()
    spaces = {space for source in named_in if (space := namespaces.get(source)) and not person.found}
    names = person.ids | person.addresses | {f"{space}:{name}" for space in spaces for name in person.ids}
    for kind, texts in (
        ("name", {form for name in names for form in forms(folded(name))}),
        ("session", {VISIT.join(visit) for visit in visits}),
    ):
        run_sql(connection, "maintenance/learn_erased", kind=kind, digests=sorted(digests(texts, salt).values()))


def _erase_rows(connection: Connection, table: str, place: PersonTable, dry_run: bool) -> int:
    theirs = f"{place.person} IN (SELECT customer_id FROM erased_ids)"
    if place.session:
        theirs += (
            f" OR ({place.person} IS NULL AND (source, {place.session}, {place.day}) IN"
            " (SELECT source, session_id, day FROM erased_visits))"
        )
    if dry_run:
        return connection.execute(sa.text(f"SELECT count(*) FROM {table} WHERE {theirs}")).scalar_one()
    if place.ledger is None:
        return connection.execute(sa.text(f"DELETE FROM {table} WHERE {theirs}")).rowcount
    counted = f"""
        WITH gone AS (DELETE FROM {table} WHERE {theirs} RETURNING source, {place.ledger} AS batch_date),
        counted AS (SELECT source, batch_date, count(*) AS rows FROM gone GROUP BY source, batch_date),
        noted AS (
            UPDATE raw.ingest_batches AS batches SET rows_read = batches.rows_read - counted.rows,
                {place.counted} = batches.{place.counted} - counted.rows, rows_erased = batches.rows_erased + counted.rows
            FROM counted WHERE batches.source = counted.source AND batches.batch_date = counted.batch_date
        )
        SELECT coalesce(sum(rows), 0)::bigint FROM counted"""
    return connection.execute(sa.text(counted)).scalar_one()
