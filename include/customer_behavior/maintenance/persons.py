"""Who is meant by an id that a person typed: which customers of the warehouse, and by what else they may be known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.errors import ConfigurationError
from customer_behavior.ingest.naming import Naming, addresses, folded
from customer_behavior.ingest.source import load_source
from customer_behavior.maintenance.personal_data import PERSON_TABLES
from customer_behavior.paths import sources_dir

CLEAR, EXACT, EVERY = "one person", "exactly as typed", "every spelling"
SPELLINGS = (CLEAR, EXACT, EVERY)
# As ingest.naming.folded: in any locale of the database.
FOLDED = "lower(normalize(trim({0}), NFC) COLLATE pg_unicode_fast)"


@dataclass
class Person:
    """A person to erase.

    Attributes
    ----------
    ids : set of str
        Ids of the warehouse that are theirs; an id that the warehouse does not have stands for itself.
    found : int
        How many of the ids the warehouse has.
    addresses : set of str
        Mail addresses that their own attributes hold and nobody else's.
    """

    ids: set[str] = field(default_factory=set)
    found: int = 0
    addresses: set[str] = field(default_factory=set)

    def names(self, namespace: str | None) -> set[str]:
        """Return what a text of a source with that namespace may call the person."""
        bare = {name.removeprefix(f"{namespace}:") for name in self.ids} if namespace else set()
        return self.ids | self.addresses | bare


def typed_ids(given: str | Iterable[str]) -> list[str]:
    """Return the ids in a text with one on each line, or in a list; raise ConfigurationError when there is none."""
    lines = given.splitlines() if isinstance(given, str) else list(given)
    typed = list(dict.fromkeys(line.strip() for line in lines if line and line.strip()))
    if not typed:
        raise ConfigurationError("customer_id is empty: name the person to erase by their id, one id a line")
    return typed


def find_person(connection: Connection, typed: Sequence[str], spelling: str) -> Person:
    """Find the customers whom ids mean: whatever their case, and with or without the namespace of a source.

    Raises
    ------
    ConfigurationError
        When an id may mean several people and `spelling` does not say which; the message does not repeat it.
    """
    if spelling not in SPELLINGS:
        raise ConfigurationError(f"spelling {spelling!r} is none of {', '.join(SPELLINGS)}")
    person = Person()
    for position, one in enumerate(typed, 1):
        matching = _matching(connection, one)
        if spelling == EXACT:
            matching &= {one}
        elif spelling == CLEAR and len(matching) > 1 and "@" not in one:  # an address is one person's, however written
            raise ConfigurationError(_ambiguous(position, len(typed), matching))
        person.ids |= matching or {one}
        person.found += len(matching)
    note_ids(connection, person)
    person.addresses = _own_addresses(connection)
    return person


def source_namespaces() -> dict[str, str | None]:
    """Return what each source puts before its customers' ids."""
    names = [path.stem for path in sorted(sources_dir().glob("*.yaml"))]
    return {name: load_source(name).customer_namespace for name in names}


def _matching(connection: Connection, typed: str) -> set[str]:
    column = FOLDED.format("customer_id")
    places = " UNION ".join(
        f"SELECT {place.person} AS customer_id FROM {table} WHERE {column} = :name OR right({column}, :length) = :spaced"
        for table, place in PERSON_TABLES.items()
    )
    name = folded(typed)
    asked = {"name": name, "spaced": f":{name}", "length": len(name) + 1}
    return set(connection.execute(sa.text(places), asked).scalars())


def _ambiguous(position: int, of: int, found: set[str]) -> str:
    spaces = {space for space in source_namespaces().values() if space}
    used = sorted({name.partition(":")[0] if name.partition(":")[0] in spaces else "none" for name in found})
    which = f"id {position} of {of}" if of > 1 else "the id"
    differ = (
        f"of namespaces {', '.join(used)}" if len(used) > 1 else "that differ in case or in what stands before them"
    )
    return (
        f"{which} may mean {len(found)} customers: it is there in {len(found)} spellings, {differ}. Nothing was erased. Type "
        f"the id with its namespace and case and choose spelling {EXACT!r}, or, if all are one person, {EVERY!r}"
    )


def note_ids(connection: Connection, person: Person) -> None:
    """Put the person's ids into the temporary table erased_ids."""
    connection.execute(sa.text("CREATE TEMPORARY TABLE erased_ids (customer_id text PRIMARY KEY) ON COMMIT DROP"))
    connection.execute(
        sa.text("INSERT INTO erased_ids (customer_id) SELECT unnest(cast(:ids AS text[]))"), {"ids": sorted(person.ids)}
    )


def _own_addresses(connection: Connection) -> set[str]:
    """Return the mail addresses that the person's own attributes hold, and nobody else's."""
    own: set[str] = set()
    free = [(table, column) for table, place in PERSON_TABLES.items() for column in place.free]
    mine = "customer_id IN (SELECT customer_id FROM erased_ids)"
    for table, column in free:
        texts = connection.execute(sa.text(f"SELECT DISTINCT cast({column} AS text) FROM {table} WHERE {mine}"))
        own |= {found for text in texts.scalars() if text for found in addresses(text)}
    for table, column in free if own else ():
        others = f"SELECT DISTINCT cast({column} AS text) FROM {table} WHERE customer_id IS NOT NULL AND NOT {mine}"
        for address in sorted(own):
            near = f"{others} AND position(:part IN lower(cast({column} AS text) COLLATE pg_unicode_fast)) > 0"
            others_say = connection.execute(sa.text(near), {"part": address.partition("@")[2]}).scalars()
            naming = Naming({address})
            if any(naming.found_in(text) for text in others_say):
                own.discard(address)
    return own
