"""The ledger says how many rows are nobody's, how many of them were not kept, and which ids were not taken as delivered."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import BIGINT, JSONB, required

revision = "0020"
down_revision = "0019"

RULE = "every_row_is_accounted_for"


def upgrade() -> None:
    for column in (
        required(
            "rows_nobody",
            BIGINT,
            "Rows without customer and session that were not refused: in raw.events, raw.duplicate_events or dropped.",
            server_default="0",
        ),
        required(
            "rows_dropped",
            BIGINT,
            "Rows of rows_nobody that are stored nowhere, as the source says nobody: drop.",
            server_default="0",
        ),
        required(
            "values_mended",
            JSONB,
            "Ids not taken as the file has them, and how many: field and what was done (no id, .0 removed, spaces removed).",
            server_default=sa.text("'{}'"),
        ),
    ):
        op.add_column("ingest_batches", column, schema="raw")
    _account("rows_accepted + rows_rejected + rows_duplicate + rows_dropped")


def downgrade() -> None:
    op.execute("UPDATE raw.ingest_batches SET rows_read = rows_read - rows_dropped")
    _account("rows_accepted + rows_rejected + rows_duplicate")
    for name in ("rows_nobody", "rows_dropped", "values_mended"):
        op.drop_column("ingest_batches", name, schema="raw")


def _account(rows: str) -> None:
    op.drop_constraint(RULE, "ingest_batches", schema="raw")
    op.create_check_constraint(RULE, "ingest_batches", f"rows_read = {rows}", schema="raw")
