"""Scores of a date that was there are replaced row by row: a publication and whoever reads models.scores do not wait for each other."""

from alembic import op

revision = "0015"
down_revision = "0014"

REPLACE_ROWS = """
            IF to_regclass(format('models.%I', name)) IS NOT NULL THEN
                EXECUTE format('DELETE FROM models.%I', name);
                EXECUTE format(
                    'INSERT INTO models.%I SELECT * FROM models.%I ORDER BY target, horizon_days, customer_id', name, name || '_new'
                );
                EXECUTE format('DROP TABLE models.%I', name || '_new');
                RETURN;
            END IF;
"""
DROP_TABLE = """
            EXECUTE format('DROP TABLE IF EXISTS models.%I', name);
"""


def upgrade() -> None:
    _swap_scores(REPLACE_ROWS, "attaches it as those of the date, or replaces their rows where there are some")


def downgrade() -> None:
    _swap_scores(DROP_TABLE, "puts it in the place of the scores of the date, which are dropped")


def _swap_scores(where_there: str, meaning: str) -> None:
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION models.swap_scores(day date)
        RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        DECLARE
            name text := 'scores_' || to_char(day, 'YYYYMMDD');
        BEGIN
            {where_there.strip()}
            EXECUTE format(
                'ALTER TABLE models.%I ADD CONSTRAINT %I PRIMARY KEY (as_of_date, target, horizon_days, customer_id)',
                name || '_new', name || '_pkey'
            );
            EXECUTE format('ANALYZE models.%I', name || '_new');
            EXECUTE format('ALTER TABLE models.%I RENAME TO %I', name || '_new', name);
            EXECUTE format('ALTER TABLE models.scores ATTACH PARTITION models.%I FOR VALUES FROM (%L) TO (%L)', name, day, day + 1);
        END $$
        """
    )
    op.execute(
        f"COMMENT ON FUNCTION models.swap_scores(date) IS 'Takes the table of open_scores and {meaning}. Runs as its owner.'"
    )
