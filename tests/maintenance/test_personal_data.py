"""The registry of personal data against the database's catalogue."""

from customer_behavior.maintenance.personal_data import HASHED, LINE_TABLES, NOBODY, PERSON_TABLES
from support.mornings import execute, query

PERSONAL = {"customer_id", "session_id", "session_key", "raw_text", "attributes", "user_id", "email", "mail", "phone"}


def columns(warehouse):
    rows = query(
        warehouse,
        "SELECT spaces.nspname || '.' || tables.relname AS name, array_agg(columns.attname::text) AS columns"
        " FROM pg_class AS tables JOIN pg_namespace AS spaces ON spaces.oid = tables.relnamespace"
        " JOIN pg_attribute AS columns ON columns.attrelid = tables.oid AND columns.attnum > 0 AND NOT columns.attisdropped"
        " WHERE spaces.nspname NOT LIKE 'pg\\_%' AND spaces.nspname <> 'information_schema'"
        " AND tables.relkind IN ('r', 'p', 'm') AND NOT tables.relispartition AND tables.relname <> 'warehouse_version' GROUP BY 1",
    )
    return {row["name"]: set(row["columns"]) for row in rows}


def unplaced(there):
    """Return the columns of a catalogue that the registry does not know, or knows wrongly."""
    wrong = []
    for table, names in there.items():
        if table in PERSON_TABLES:
            place = PERSON_TABLES[table]
            named = (place.person, place.session, place.day, place.ledger, *place.free)
            wrong += [(table, name) for name in named if name and name not in names]
            continue
        known = set(NOBODY.get(table, "").split()) | set(LINE_TABLES.get(table, ())) | set(HASHED.get(table, ()))
        wrong += [(table, name) for name in names ^ known]
    return sorted(wrong)


def test_every_column_of_every_table_is_placed(warehouse):
    there = columns(warehouse)
    assert unplaced(there) == []
    assert set(there) == set(PERSON_TABLES) | set(NOBODY) | set(LINE_TABLES) | set(HASHED)


def test_nothing_that_names_a_person_is_taken_for_nobody_s(warehouse):
    for table, names in NOBODY.items():
        assert not PERSONAL & set(names.split()), table
    for table, names in columns(warehouse).items():
        if "customer_id" in names:
            assert table in PERSON_TABLES


def test_a_new_table_and_a_new_column_are_seen(warehouse):
    execute(warehouse, "CREATE TABLE marketing.new_letters (customer_id text)")
    execute(warehouse, "ALTER TABLE marketing.status ADD COLUMN asked_by text")
    assert unplaced(columns(warehouse)) == [("marketing.new_letters", "customer_id"), ("marketing.status", "asked_by")]
