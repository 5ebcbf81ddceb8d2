"""The ledger says which files lay beside those of a batch and were not read."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import JSONB, required

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    passed_over = required(
        "files_passed_over",
        JSONB,
        "Files that lay where the batch's land and were not read, as a list of {file, reason}: copies, backups, uploads not finished.",
        server_default=sa.text("'[]'"),
    )
    op.add_column("ingest_batches", passed_over, schema="raw")


def downgrade() -> None:
    op.drop_column("ingest_batches", "files_passed_over", schema="raw")
