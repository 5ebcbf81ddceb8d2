"""Nobody who was erased comes back: what raw.erased_customers names is left out of every load.

Rows of an erased person go, and those of the same visit in which nobody is named; a refused line that names the person keeps its
place and reason, not its text; `attributes` that name the person are emptied. So a batch loaded again leaves what the erasure left.
"""

import logging
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.ingest.engine import quoted
from customer_behavior.ingest.naming import words
from customer_behavior.warehouse import run_sql

if TYPE_CHECKING:
    from customer_behavior.ingest.loading import Delivery

log = logging.getLogger(__name__)

ERASED_TEXT = "[erased]"
VISIT = "\x1f"  # between source, session and day in the name of a visit
ATTRIBUTES_AT_ONCE = 10_000


def salt_of(connection: Connection) -> str:
    """Return the warehouse's salt."""
    return connection.execute(sa.text("SELECT salt FROM raw.erasure_salt")).scalar_one()


def digest_sql(expression: str, salt: str) -> str:
    """Return the DuckDB expression of a text's hash: blind to case, and to how accents are composed."""
    return f"sha256({quoted(salt)} || lower(nfc_normalize({expression})))"


def session_sql(source: str, session: str, day: str) -> str:
    """Return the DuckDB expression that names a visit; all three are expressions."""
    return f"concat_ws(chr({ord(VISIT)}), {source}, {session}, CAST({day} AS VARCHAR))"


def digests(texts: Iterable[str], salt: str) -> dict[str, str]:
    """Return each text's hash."""
    unique = sorted(set(texts))
    with duckdb.connect() as engine:
        rows = engine.execute(
            f"SELECT text, {digest_sql('text', salt)} FROM unnest($texts) AS t(text)", {"texts": unique}
        )
        return dict(rows.fetchall())


@contextmanager
def left_out(connection: Connection, delivery: "Delivery") -> Iterator[None]:
    """Leave erased persons out of a delivery while it is loaded, and say in the ledger how many rows that were."""
    erased = _Erased.of(connection, delivery.staging.engine)
    if erased is None:
        yield
        return
    source = delivery.staging.source
    gone = erased.leave_out_of_events(source.name)
    erased.blank((line for lines in delivery.refused.values() for line in lines), source.customer_namespace)
    for batch in delivery.batches:
        batch.rows_read -= gone.get(batch.batch_date, 0)
    yield
    for batch in delivery.batches:
        rows = gone.get(batch.batch_date, 0)
        run_sql(connection, "ingest/count_erased", source=source.name, batch_date=batch.batch_date, rows=rows)
    log.info("%s: %d rows of erased persons left out", source.name, sum(gone.values()))


def leave_out_of_dimension(
    connection: Connection, engine: duckdb.DuckDBPyConnection, counts: dict[str, int], refused: list[dict]
) -> None:
    """Leave erased persons out of the relation `kept` of a dimension that names customers, and out of its counts."""
    erased = _Erased.of(connection, engine)
    if erased is None:
        return
    gone = engine.execute(f"DELETE FROM kept WHERE {erased.names('customer_id')}").fetchall()[0][0]
    counts["rows_read"] -= gone
    counts["rows_accepted"] -= gone
    erased.blank(refused, None)


class _Erased:
    """The hashes of a warehouse, in a load's engine as table erased(hash)."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, salt: str, hashes: Collection[str]) -> None:
        self.engine, self.salt, self.hashes = engine, salt, set(hashes)
        engine.execute("CREATE TABLE erased AS SELECT unnest($hashes) AS hash", {"hashes": sorted(self.hashes)})

    @classmethod
    def of(cls, connection: Connection, engine: duckdb.DuckDBPyConnection) -> "_Erased | None":
        hashes = connection.execute(sa.text("SELECT hash FROM raw.erased_customers")).scalars().all()
        return cls(engine, salt_of(connection), hashes) if hashes else None

    def names(self, expression: str) -> str:
        """Return the condition that an expression names an erased person."""
        return f"coalesce({digest_sql(expression, self.salt)} IN (SELECT hash FROM erased), false)"

    def leave_out_of_events(self, source: str) -> dict:
        """Narrow the relation `mapped`; return the rows left out by batch date."""
        run = self.engine.execute
        run("ALTER VIEW mapped RENAME TO mapped_with_erased")
        run(
            f"CREATE TABLE erased_ids AS SELECT customer_id FROM (SELECT DISTINCT customer_id FROM mapped_with_erased"
            f" WHERE customer_id IS NOT NULL) WHERE {self.names('customer_id')}"
        )
        visit = session_sql(quoted(source), "session_id", "event_day")
        run(
            "CREATE TABLE erased_visits AS SELECT DISTINCT session_id, day FROM ("
            " SELECT session_id, unnest([event_day - 1, event_day, event_day + 1]) AS day FROM mapped_with_erased"
            " WHERE session_id IS NOT NULL AND customer_id IN (FROM erased_ids)"
            " UNION ALL SELECT session_id, event_day FROM (SELECT DISTINCT session_id, event_day FROM mapped_with_erased"
            f" WHERE session_id IS NOT NULL AND customer_id IS NULL) WHERE {self.names(visit)})"
        )
        self._find_attributes()
        gone = (
            "coalesce(customer_id IN (FROM erased_ids), false) OR (customer_id IS NULL AND session_id IS NOT NULL"
            " AND (session_id, event_day) IN (SELECT (session_id, day) FROM erased_visits))"
        )
        run(
            "CREATE VIEW mapped AS SELECT * REPLACE (CASE WHEN attributes IN (FROM erased_attributes) THEN NULL"
            f" ELSE attributes END AS attributes) FROM mapped_with_erased WHERE NOT ({gone})"
        )
        counted = f"SELECT batch_date, count(*) FROM mapped_with_erased WHERE {gone} GROUP BY batch_date"
        return dict(run(counted).fetchall())

    def _find_attributes(self) -> None:
        self.engine.execute("CREATE TABLE erased_attributes (text VARCHAR)")
        texts = self.engine.cursor().execute(
            "SELECT DISTINCT attributes FROM mapped_with_erased WHERE attributes IS NOT NULL"
        )
        while found := [text for (text,) in texts.fetchmany(ATTRIBUTES_AT_ONCE)]:
            naming = self._naming(found, None)
            if naming:
                self.engine.execute(
                    "INSERT INTO erased_attributes (text) SELECT unnest($texts)", {"texts": sorted(naming)}
                )

    def blank(self, refused: Iterable[dict], namespace: str | None) -> None:
        """Take the text of refused lines that name an erased person."""
        lines = list(refused)
        naming = self._naming([f"{line['raw_text']}\n{line['detail']}" for line in lines], namespace)
        for line in lines:
            if f"{line['raw_text']}\n{line['detail']}" in naming:
                line.update(raw_text=ERASED_TEXT, detail=ERASED_TEXT)

    def _naming(self, texts: list[str], namespace: str | None) -> set[str]:
        """Return those of the texts in which a word names an erased person."""
        said = {text: words(text, namespace) for text in texts}
        known = {
            word for word, digest in digests(set().union(*said.values()), self.salt).items() if digest in self.hashes
        }
        return {text for text, found in said.items() if found & known}
