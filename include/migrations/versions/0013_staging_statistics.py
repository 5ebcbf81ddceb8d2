"""Publishing knows how many scores are staged: the table is filled and emptied every night, so its statistics are another night's."""

from alembic import op

revision = "0013"
down_revision = "0012"

ANALYZE = "ANALYZE models.score_staging (run_token, as_of_date, target, horizon_days, bucket, customer_id)"


def upgrade() -> None:
    _open_scores(f"{ANALYZE};")


def downgrade() -> None:
    _open_scores("")


def _open_scores(first: str) -> None:
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION models.open_scores(day date)
        RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        DECLARE
            name text := 'scores_' || to_char(day, 'YYYYMMDD') || '_new';
        BEGIN
            {first}
            EXECUTE format(
                'CREATE TABLE models.%I (LIKE models.scores INCLUDING ALL EXCLUDING INDEXES, CHECK (as_of_date = %L))', name, day
            );
            EXECUTE format('GRANT INSERT ON models.%I TO score', name);
            RETURN format('models.%I', name);
        END $$
        """
    )
