"""Sessions of staff and bots are marked, as customers are: neither is learnt from."""

from alembic import op

from migrations.columns import TEXT, optional

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    flagged = optional(
        "flagged",
        TEXT,
        "staff as shop.yaml lists them, or bot by its limits on one of the 90 days before session_day; NULL: neither, or nobody named. "
        "No feature.",
    )
    op.add_column("session_snapshot", flagged, schema="features")


def downgrade() -> None:
    op.drop_column("session_snapshot", "flagged", schema="features")
