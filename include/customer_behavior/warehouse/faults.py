"""What PostgreSQL refuses, as a sentence for a person; and whether another try may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import sqlalchemy as sa
from sqlalchemy.engine import URL

from customer_behavior.errors import PlatformError, TemporaryError, WarehouseError

MIGRATE = (
    "`make up` and `make run` migrate it, and so does `WAREHOUSE_URL=… PYTHONPATH=include .venv/bin/python -m customer_behavior migrate` "
    "(container stack: `docker compose run --rm airflow-init`)"
)

# SQLSTATEs and their classes, the first two or three signs (PostgreSQL's manual, appendix A); the longer one counts.
_TEMPORARY = {
    "08": "the connection was lost",
    "25P03": "the transaction was ended for being idle too long",
    "40": "another transaction was in the way",
    "40P01": "two transactions waited for each other, and this one was ended",
    "53200": "the server is out of memory",
    "53300": "the server has no connection left",
    "55006": "what is asked for is in use",
    "55P03": "another transaction held a lock for too long",
    "57P": "the server is shutting down, starting or recovering",
    "58": "the server's machine had a fault",
    "XX": "the server had a fault of its own",
}
_NO_SUCH_DATABASE = (
    "there is no such database: correct WAREHOUSE_URL (in Airflow the connection `warehouse`), or create it"
)
_NOT_LET_IN = (
    "the login is not let in: correct its name and password in WAREHOUSE_URL (in Airflow the connection `warehouse`)"
)
_LASTING = {
    "22": "a value does not fit where it is put: the row, or the code that let it through, has to be mended",
    "23": "a row breaks a rule of its table: the row, or the code that let it through, has to be mended",
    "25006": "it is read-only: WAREHOUSE_URL has to name the primary server, not a copy of it",
    "28": _NOT_LET_IN,
    "3D000": _NO_SUCH_DATABASE,
    "3F000": f"its schema lacks what this code expects; {MIGRATE}",
    "42501": "the login, or the role it acts as, may not do that: roles are in docs/architecture.md, and a login that is not the "
    "owner needs `GRANT ingest, train, score, api, marketing_reader TO …`",
    "42704": f"its schema lacks what this code expects; {MIGRATE}",
    "42703": f"its schema lacks what this code expects; {MIGRATE}",
    "42883": f"its schema lacks what this code expects; {MIGRATE}",
    "42P01": f"its schema lacks what this code expects; {MIGRATE}",
    "53100": "the server's disk is full: free or add space, then run this again",
    "57014": "the statement was ended, by a person or for running longer than `statement_timeout` of the login or the database "
    "allows: raise that limit, then run this again",
}
# While a connection is opened psycopg2 gives no SQLSTATE, only what the server said.
_OPENING = {
    r"authentication failed|no password supplied|no pg_hba.conf entry|not permitted to log in|role .* does not exist": _NOT_LET_IN,
    r"database .* does not exist": _NO_SUCH_DATABASE,
    r"permission denied for database": "the login may not connect to it: `GRANT CONNECT ON DATABASE … TO …`",
    r"SSL was required|sslmode": "the two sides do not agree on TLS: correct `sslmode` in WAREHOUSE_URL",
}


@contextmanager
def spoken(url: URL) -> Iterator[None]:
    """Turn whatever PostgreSQL refuses within into a PlatformError that names the database, what happened and what to do.

    Raises
    ------
    TemporaryError
        When another try may do: lost connections, deadlocks, locks, restarts.
    WarehouseError
        When it would fail alike: rights, rules, a full disk, a schema that does not fit.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        if not isinstance(error.orig, psycopg2.Error):
            raise
        raise sentence(error.orig, url) from error
    except psycopg2.Error as error:  # COPY goes past SQLAlchemy
        raise sentence(error, url) from error


def sentence(error: psycopg2.Error, url: URL) -> PlatformError:
    """Return the error that a person is shown in place of PostgreSQL's own."""
    said, state = _first_lines(error), error.pgcode
    where = f"the warehouse ({url.host or 'localhost'}:{url.port or 5432}, database {url.database})"
    if state is None:
        lasting = next((meaning for words, meaning in _OPENING.items() if re.search(words, said)), None)
        if lasting or isinstance(error, psycopg2.ProgrammingError | psycopg2.NotSupportedError | psycopg2.DataError):
            return WarehouseError(f"{where}: {lasting or 'a statement was refused'} [{said}]")
        return TemporaryError(
            f"{where} cannot be reached, or the connection was lost [{said}]; another try may do, and if none does, see that it "
            "runs and that WAREHOUSE_URL (in Airflow the connection `warehouse`) names it"
        )
    if error.diag.schema_name == "pg_catalog":
        return TemporaryError(f"{where}: another transaction made the same table [{state}: {said}]; another try may do")
    if state == "22023" and re.search("role .* does not exist", said):
        state = "42704"
    for length in (5, 3, 2):
        if meaning := _TEMPORARY.get(state[:length]):
            return TemporaryError(f"{where}: {meaning} [{state}: {said}]; another try may do")
        if meaning := _LASTING.get(state[:length]):
            return WarehouseError(f"{where}: {meaning} [{state}: {said}]")
    return WarehouseError(f"{where}: a statement was refused, which is a fault of the code [{state}: {said}]")


def _first_lines(error: psycopg2.Error) -> str:
    """Return what PostgreSQL said, without the statement and without the row: logs are read by more people than tables."""
    said = error.diag.message_primary or " ".join(str(error).split())
    constraint = error.diag.constraint_name
    return f"{said} (constraint {constraint})" if constraint and constraint not in said else said
