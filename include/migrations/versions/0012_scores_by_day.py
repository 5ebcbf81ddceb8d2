"""Scores are partitioned by day: a publication fills a table of its own without a key, and takes the place of the date's."""

from alembic import op

revision = "0012"
down_revision = "0011"

COMMENT = "One row per customer, as-of date, target and horizon."


def upgrade() -> None:
    _cut_by("day")
    op.execute(f"COMMENT ON TABLE models.scores IS '{COMMENT} Daily partitions.'")
    op.execute(
        """
        CREATE FUNCTION models.open_scores(day date)
        RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        DECLARE
            name text := 'scores_' || to_char(day, 'YYYYMMDD') || '_new';
        BEGIN
            EXECUTE format(
                'CREATE TABLE models.%I (LIKE models.scores INCLUDING ALL EXCLUDING INDEXES, CHECK (as_of_date = %L))', name, day
            );
            EXECUTE format('GRANT INSERT ON models.%I TO score', name);
            RETURN format('models.%I', name);
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION models.swap_scores(day date)
        RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        DECLARE
            name text := 'scores_' || to_char(day, 'YYYYMMDD');
        BEGIN
            EXECUTE format(
                'ALTER TABLE models.%I ADD CONSTRAINT %I PRIMARY KEY (as_of_date, target, horizon_days, customer_id)',
                name || '_new', name || '_new_pkey'
            );
            EXECUTE format('ANALYZE models.%I', name || '_new');
            -- Readers of any date wait from here to the end of the transaction, and only where the date was there.
            EXECUTE format('DROP TABLE IF EXISTS models.%I', name);
            EXECUTE format('ALTER TABLE models.%I RENAME CONSTRAINT %I TO %I', name || '_new', name || '_new_pkey', name || '_pkey');
            EXECUTE format('ALTER TABLE models.%I RENAME TO %I', name || '_new', name);
            EXECUTE format('ALTER TABLE models.scores ATTACH PARTITION models.%I FOR VALUES FROM (%L) TO (%L)', name, day, day + 1);
        END $$
        """
    )
    op.execute(
        "COMMENT ON FUNCTION models.open_scores(date) IS 'Makes an empty table for the scores of a date and returns its name; "
        "swap_scores of the same transaction puts it in place. Runs as its owner.'"
    )
    op.execute(
        "COMMENT ON FUNCTION models.swap_scores(date) IS 'Gives the table of open_scores its key, and puts it in the place of the "
        "scores of the date, which are dropped. Runs as its owner.'"
    )
    for name in ("open_scores", "swap_scores"):
        op.execute(f"REVOKE ALL ON FUNCTION models.{name}(date) FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION models.{name}(date) TO score")
    op.execute("REVOKE INSERT, DELETE ON models.scores FROM score")


def downgrade() -> None:
    for name in ("open_scores", "swap_scores"):
        op.execute(f"DROP FUNCTION models.{name}(date)")
    op.execute("GRANT INSERT, DELETE ON models.scores TO score")
    _cut_by("month")
    op.execute(f"COMMENT ON TABLE models.scores IS '{COMMENT} Monthly partitions.'")


def _cut_by(unit: str) -> None:
    """Move the rows into partitions of a day or a month."""
    op.execute(
        f"""
        DO $$
        DECLARE
            part regclass;
            day date;
        BEGIN
            FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'models.scores'::regclass LOOP
                EXECUTE format('ALTER TABLE models.scores DETACH PARTITION %s', part);
                EXECUTE format('ALTER TABLE %s RENAME TO %I', part, 'moving_' || part::oid);
            END LOOP;
            FOR part IN SELECT oid FROM pg_class WHERE relnamespace = 'models'::regnamespace AND relname ~ '^moving_[0-9]+$' LOOP
                FOR day IN EXECUTE format('SELECT DISTINCT as_of_date FROM %s', part) LOOP
                    PERFORM raw.ensure_partitions('models.scores', day, day, '{unit}');
                END LOOP;
                EXECUTE format('INSERT INTO models.scores SELECT * FROM %s', part);
                EXECUTE format('DROP TABLE %s', part);
            END LOOP;
        END $$
        """
    )
