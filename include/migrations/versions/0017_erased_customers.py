"""Who was erased, as salted hashes: a batch that is loaded again brings nobody back."""

from alembic import op

from migrations.columns import BIGINT, STAMP, TEXT, required, table

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    table(
        "raw",
        "erased_customers",
        "One row per way in which a load would know an erased person again. Loads leave out what is named here; nobody can be read "
        "from it.",
        required("hash", TEXT, "SHA-256, as hex digits, of raw.erasure_salt and the name in lower case."),
        required(
            "kind",
            TEXT,
            "name (an id or an address of the person) or session (source, session and day of a visit of theirs).",
        ),
        required("erased_at", STAMP, "When the person was erased.", server_default="now()"),
        key="hash",
    )
    table(
        "raw",
        "erasure_salt",
        "One row: what raw.erased_customers hashes names with, made for this database alone.",
        required("salt", TEXT, "Random; it never changes, or nobody erased would be known again."),
    )
    op.execute("INSERT INTO raw.erasure_salt (salt) VALUES (gen_random_uuid()::text || gen_random_uuid()::text)")
    op.execute("GRANT SELECT ON raw.erased_customers, raw.erasure_salt TO ingest")
    op.add_column(
        "ingest_batches",
        required("rows_erased", BIGINT, "Rows of erased persons, left out; not among rows_read.", server_default="0"),
        schema="raw",
    )


def downgrade() -> None:
    op.drop_column("ingest_batches", "rows_erased", schema="raw")
    for name in ("erasure_salt", "erased_customers"):
        op.drop_table(name, schema="raw")
