"""Staged scores are written without a log: a run that a crash of the server empties them under is refused and scores again."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("ALTER TABLE models.score_staging SET UNLOGGED")
    op.execute("DROP INDEX models.score_staging_by_run")
    op.execute("CREATE INDEX score_staging_by_bucket ON models.score_staging (bucket)")


def downgrade() -> None:
    op.execute("DROP INDEX models.score_staging_by_bucket")
    op.execute("CREATE INDEX score_staging_by_run ON models.score_staging (run_token, bucket)")
    op.execute("ALTER TABLE models.score_staging SET LOGGED")
