"""Schemas, roles and the one function that makes partitions."""

from alembic import op

revision = "0001"
down_revision = None

SCHEMAS = {
    "raw": "Events as they were delivered, what was refused and why, and the ledger of batches.",
    "features": "What is known of each customer: the daily rollup and the snapshots as of a date.",
    "models": "Models, the record of which one serves from when, their evaluations and the scores.",
    "marketing": "The contract with marketing: one SELECT a morning. The role marketing_reader sees this schema only.",
    "monitoring": "Drift, matured performance, error clusters, alerts, and the audit of writes.",
}
ROLES = {
    "ingest": "Loads landed files: writes raw and the daily rollup.",
    "train": "Builds training snapshots, writes models, evaluations and promotions.",
    "score": "Everything after training: snapshots, scores, recommendations, publishing, monitoring.",
    "api": "The live API: reads scores, models and recommendations, writes nothing.",
    "marketing_reader": "Analysts: reads schema marketing and nothing else.",
}


def upgrade() -> None:
    for schema, comment in SCHEMAS.items():
        op.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        op.execute(f"COMMENT ON SCHEMA {schema} IS '{comment}'")
    for role, comment in ROLES.items():
        # Roles belong to the server, not to the database: another warehouse on it may have made them.
        op.execute(
            f"""DO $$ BEGIN
                CREATE ROLE {role} NOLOGIN;
                COMMENT ON ROLE {role} IS '{comment}';
            EXCEPTION WHEN duplicate_object THEN NULL; END $$"""
        )
        op.execute(f"GRANT {role} TO CURRENT_USER WITH SET TRUE, INHERIT FALSE")
    for role, schemas in {
        "ingest": "raw, features, monitoring",
        "train": "raw, features, models, monitoring",
        "score": "raw, features, models, marketing, monitoring",
        "api": "features, models, marketing",
        "marketing_reader": "marketing",
    }.items():
        op.execute(f"GRANT USAGE ON SCHEMA {schemas} TO {role}")
    op.execute(
        """
        CREATE FUNCTION raw.ensure_partitions(parent regclass, first_day date, last_day date, unit text)
        RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        DECLARE
            lower_bound date := date_trunc(unit, first_day)::date;
            upper_bound date;
            suffix text;
            parent_schema text;
            parent_name text;
            made integer := 0;
        BEGIN
            IF unit NOT IN ('day', 'month') THEN
                RAISE EXCEPTION 'unit must be day or month, not %', unit;
            END IF;
            SELECT n.nspname, c.relname INTO parent_schema, parent_name
            FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.oid = parent AND c.relkind = 'p' AND n.nspname IN ('raw', 'features', 'models', 'marketing');
            IF parent_name IS NULL THEN
                RAISE EXCEPTION '% is no partitioned table of the platform', parent;
            END IF;
            PERFORM pg_advisory_xact_lock(hashtextextended('ensure_partitions ' || parent::text, 0));
            WHILE lower_bound <= last_day LOOP
                upper_bound := (lower_bound + ('1 ' || unit)::interval)::date;
                suffix := to_char(lower_bound, CASE unit WHEN 'day' THEN 'YYYYMMDD' ELSE 'YYYYMM' END);
                IF to_regclass(format('%I.%I', parent_schema, parent_name || '_' || suffix)) IS NULL THEN
                    -- Attached, not created in place: that would wait for every reader of the parent.
                    EXECUTE format(
                        'CREATE TABLE %I.%I (LIKE %I.%I INCLUDING ALL)',
                        parent_schema, parent_name || '_' || suffix, parent_schema, parent_name
                    );
                    EXECUTE format(
                        'ALTER TABLE %I.%I ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
                        parent_schema, parent_name, parent_schema, parent_name || '_' || suffix, lower_bound, upper_bound
                    );
                    IF parent_schema = 'raw' THEN  -- a large day is copied straight into its partition
                        EXECUTE format('GRANT INSERT ON %I.%I TO ingest', parent_schema, parent_name || '_' || suffix);
                    END IF;
                    made := made + 1;
                END IF;
                lower_bound := upper_bound;
            END LOOP;
            RETURN made;
        END $$
        """
    )
    op.execute(
        "COMMENT ON FUNCTION raw.ensure_partitions(regclass, date, date, text) IS "
        "'Makes the missing partitions of a platform table for the days first_day to last_day, both included; "
        "unit is day or month. Runs as its owner, so that stages need no right to create tables.'"
    )
    op.execute("REVOKE ALL ON FUNCTION raw.ensure_partitions(regclass, date, date, text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION raw.ensure_partitions(regclass, date, date, text) TO ingest, train, score")


def downgrade() -> None:
    for schema in SCHEMAS:
        op.execute(f"DROP SCHEMA {schema} CASCADE")
