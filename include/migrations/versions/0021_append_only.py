"""Append-only is append-only: no role may take back what was promoted, decided, judged, mailed or frozen; PUBLIC makes nothing."""

from alembic import op

revision = "0021"
down_revision = "0020"

WRITERS = "ingest, train, score"
OF_MODEL = (
    "model_versions", "model_files", "evaluations", "gain_table", "thresholds", "tuning_trials", "training_findings"
)  # fmt: skip
REPLACED = {
    "models.make_way": (
        "model text",
        "train",
        "TABLE (table_name text, rows bigint)",
        "DECLARE of_model text; BEGIN FOREACH of_model IN ARRAY ARRAY["
        + ", ".join(f"'{name}'" for name in OF_MODEL)
        + "] LOOP EXECUTE format('DELETE FROM models.%I WHERE model_id = $1', of_model) USING model; "
        "GET DIAGNOSTICS rows = ROW_COUNT; table_name := of_model; RETURN NEXT; END LOOP; END",
        "Takes the rows of a model out of the tables that its registration writes, to be written anew in the same transaction, which "
        "fails otherwise; returns how many there were.",
    ),
    "monitoring.make_way": (
        "scored date, of_target text, horizon int",
        "score",
        "bigint",
        "DECLARE rows bigint; BEGIN DELETE FROM monitoring.model_performance AS judged WHERE judged.scored_as_of = scored AND "
        "judged.target = of_target AND judged.horizon_days = horizon; GET DIAGNOSTICS rows = ROW_COUNT; RETURN rows; END",
        "Takes the judgement of a scored date out, to be written anew in the same transaction, which fails otherwise; returns the rows.",
    ),
    "monitoring.withdraw_alerts": (
        "of_date date, kept text[]",
        "score",
        "bigint",
        "DECLARE rows bigint; BEGIN DELETE FROM monitoring.alerts AS alerts WHERE alerts.as_of_date = of_date AND "
        "alerts.mailed_at IS NULL AND alerts.kind <> ALL (kept); GET DIAGNOSTICS rows = ROW_COUNT; RETURN rows; END",
        "Removes the alerts of a date that no longer hold (all kinds but those kept); one that was mailed stays. Returns the rows.",
    ),
    "monitoring.withdraw_requests": (
        "of_date date",
        "score",
        "bigint",
        "DECLARE rows bigint; BEGIN DELETE FROM monitoring.retraining_requests AS requests WHERE requests.as_of_date = of_date AND "
        "requests.fulfilled_by IS NULL; GET DIAGNOSTICS rows = ROW_COUNT; RETURN rows; END",
        "Removes the requests of a date that no training has answered; returns the rows.",
    ),
}  # fmt: skip
# (table, what of a row must be there again)
KEPT = {
    "models.model_versions": "model_id",
    "monitoring.model_performance": "scored_as_of, target, horizon_days",
}


def upgrade() -> None:
    for name, (arguments, role, returns, body, comment) in REPLACED.items():
        op.execute(
            f"CREATE FUNCTION {name}({arguments}) RETURNS {returns} LANGUAGE plpgsql SECURITY DEFINER "
            f"SET search_path = pg_catalog, pg_temp AS $$ {body} $$"
        )
        op.execute(f"COMMENT ON FUNCTION {name} IS '{comment} Runs as its owner.'")
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {role}")
    for table, key in KEPT.items():
        _must_stay(table, [part.strip() for part in key.split(",")])
    op.execute("REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA models FROM train")
    op.execute(
        f"GRANT INSERT ON models.promotions, models.decisions, {', '.join(f'models.{name}' for name in OF_MODEL)} TO train"
    )
    op.execute("GRANT INSERT, DELETE ON models.reports, models.tracking TO train")
    op.execute("REVOKE UPDATE ON monitoring.retraining_requests FROM train")
    op.execute("GRANT UPDATE (fulfilled_by) ON monitoring.retraining_requests TO train")
    op.execute("REVOKE UPDATE, DELETE ON ALL TABLES IN SCHEMA monitoring FROM score")
    op.execute("GRANT UPDATE (subject, body, details, quiet, mailed_at) ON monitoring.alerts TO score")
    op.execute("GRANT DELETE ON monitoring.drift_runs, monitoring.drift_features, monitoring.error_clusters TO score")
    op.execute("REVOKE DELETE ON raw.ingest_batches FROM ingest")
    op.execute("REVOKE UPDATE ON raw.rejected_events FROM ingest")
    op.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    _on_database("REVOKE TEMPORARY, CREATE ON DATABASE %I FROM PUBLIC")
    _on_database(f"GRANT TEMPORARY ON DATABASE %I TO {WRITERS}")


def downgrade() -> None:
    op.execute("GRANT UPDATE ON raw.rejected_events TO ingest")
    op.execute("GRANT DELETE ON raw.ingest_batches TO ingest")
    op.execute(
        "GRANT UPDATE, DELETE ON monitoring.drift_runs, monitoring.drift_features, monitoring.model_performance, "
        "monitoring.error_clusters, monitoring.alerts, monitoring.retraining_requests TO score"
    )
    op.execute("GRANT UPDATE ON monitoring.retraining_requests TO train")
    op.execute("GRANT INSERT, DELETE ON ALL TABLES IN SCHEMA models TO train")
    for table in KEPT:
        schema, name = table.split(".")
        op.execute(f"DROP TRIGGER stays ON {table}")
        op.execute(f"DROP FUNCTION {schema}.{name}_stays()")
    for name in REPLACED:
        op.execute(f"DROP FUNCTION {name}")
    _on_database("GRANT TEMPORARY ON DATABASE %I TO PUBLIC")


def _must_stay(table: str, key: list[str]) -> None:
    """Refuse, at the end of a transaction, that a row is gone whose key is not there again."""
    schema, name = table.split(".")
    same = " AND ".join(f"rows.{part} = OLD.{part}" for part in key)
    op.execute(
        f"""
        CREATE FUNCTION {schema}.{name}_stays() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM {table} AS rows WHERE {same}) THEN
                RAISE EXCEPTION 'rows of {table} are replaced, never removed' USING ERRCODE = 'insufficient_privilege';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(f"REVOKE ALL ON FUNCTION {schema}.{name}_stays() FROM PUBLIC")
    op.execute(
        f"COMMENT ON FUNCTION {schema}.{name}_stays() IS 'Refuses a transaction that removes a row and does not write it anew.'"
    )
    op.execute(
        f"CREATE CONSTRAINT TRIGGER stays AFTER DELETE ON {table} DEFERRABLE INITIALLY DEFERRED "
        f"FOR EACH ROW EXECUTE FUNCTION {schema}.{name}_stays()"
    )


def _on_database(statement: str) -> None:
    op.execute(f"DO $$ BEGIN EXECUTE format('{statement}', current_database()); END $$")
