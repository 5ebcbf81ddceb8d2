"""A snapshot knows the ledger that it was made from, as a checkpoint does."""

from alembic import op

from migrations.columns import DATE, INT, TEXT, now, required, table

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    table(
        "features",
        "snapshot_builds",
        "One row per date of a table of snapshots: the ledger that its rows were made from. A date without a row is built anew "
        "when a training asks for it.",
        required("table_name", TEXT, "Table of snapshots, with its schema."),
        required("day", DATE, "As-of date of customers, or the day on which sessions began."),
        required(
            "ledger", TEXT, "Fingerprint of the batches known when its making began; another one makes the date stale."
        ),
        required("rows_written", INT, "Rows that were made; 0 is a date with nobody."),
        now("built_at", "When its making began."),
        key="table_name, day",
    )
    op.execute("GRANT SELECT, INSERT, DELETE ON features.snapshot_builds TO train, score")


def downgrade() -> None:
    op.drop_table("snapshot_builds", schema="features")
