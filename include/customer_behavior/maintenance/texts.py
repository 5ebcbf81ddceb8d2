"""What rows that stay say about a person: attributes of others' events, and refused lines."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.ingest.erased import ERASED_TEXT
from customer_behavior.ingest.naming import Naming
from customer_behavior.maintenance.personal_data import PERSON_TABLES
from customer_behavior.maintenance.persons import Person, source_namespaces

ESCAPES = r"\\u[0-9a-f]{4}|%[0-9a-f]{2}|&[#a-z0-9]+;"


class Texts:
    """Finds and empties texts that name a person, whose ids are in the temporary table erased_ids.

    Attributes
    ----------
    named_in : set of str
        Sources of the refused lines that were found.
    """

    def __init__(self, connection: Connection, person: Person) -> None:
        self.connection, self.person = connection, person
        self.namespaces = source_namespaces()
        self.known = {space: Naming(person.names(space)) for space in {None, *self.namespaces.values()}}
        self.any = Naming({name for space in self.known for name in person.names(space)})
        self.named_in: set[str] = set()

    def empty(self, table: str, columns: tuple[str, ...], dry_run: bool) -> int:
        """Empty the columns in rows that name the person and stay, or count them.

        Attributes become NULL, a refused line says that it was erased.
        """
        text = f"concat_ws(chr(10), {', '.join(f'cast({column} AS text)' for column in columns)})"
        there = " OR ".join(f"{column} IS NOT NULL" for column in columns)
        chunks = self.any.chunks
        parts = " OR ".join(f"position(:part_{n} IN low) > 0" for n, _ in enumerate(chunks))
        near = f" WHERE {parts} OR low ~ :escapes" if chunks else ""
        rows = self.connection.execute(
            sa.text(
                "SELECT source, part, at, text FROM (SELECT source, cast(tableoid AS bigint) AS part, cast(ctid AS text) AS at,"
                f' {text} AS text, lower({text} COLLATE "C") AS low FROM {table} WHERE ({there}){_staying(table)}) AS said{near}'
            ),
            {"escapes": ESCAPES, **{f"part_{n}": part for n, part in enumerate(chunks)}} if chunks else {},
        )
        named = [row for row in rows if self.known[self.namespaces.get(row.source)].found_in(row.text)]
        if table not in PERSON_TABLES:
            self.named_in |= {row.source for row in named}
        if named and not dry_run:
            value = "NULL" if table in PERSON_TABLES else f"'{ERASED_TEXT}'"
            self.connection.execute(
                sa.text(
                    f"UPDATE {table} AS said SET {', '.join(f'{column} = {value}' for column in columns)}"
                    " FROM unnest(cast(:parts AS bigint[]), cast(:ats AS text[])) AS named (part, at)"
                    " WHERE said.ctid = cast(named.at AS tid) AND cast(said.tableoid AS bigint) = named.part"
                ),
                {"parts": [row.part for row in named], "ats": [row.at for row in named]},
            )
        return len(named)


def _staying(table: str) -> str:
    """Return the condition that leaves out rows which go as a whole, so that a dry run counts each row once."""
    place = PERSON_TABLES.get(table)
    if place is None:
        return ""
    return (
        f" AND ({place.person} IS NULL OR {place.person} NOT IN (SELECT customer_id FROM erased_ids))"
        f" AND NOT ({place.person} IS NULL AND {place.session} IS NOT NULL AND (source, {place.session}, {place.day}) IN"
        " (SELECT source, session_id, day FROM erased_visits))"
    )
