"""A publication knows what it was made from, and whoever reads it sees when that has changed since."""

from alembic import op

from migrations.columns import JSONB, optional

revision = "0022"
down_revision = "0021"

MADE_FROM = (
    "What the morning was made from: the number in monitoring.write_audit under which its snapshot, scores, actions and products "
    "were written; the last monitoring before it, or not monitored; a fingerprint of the judgements and of the batches known; "
    "the model of each target. NULL: published before stamps were kept."
)
# marketing.status_now: its own columns, with their comments.
OWN = {
    "monitored_at": "When the morning itself was monitored; NULL: it has not been.",
    "stale": "True: what the morning was made from has changed since; publish it again. NULL: published before stamps were kept.",
    "stale_because": "What has changed, in words; NULL: nothing.",
}


def upgrade() -> None:
    op.add_column("status", optional("made_from", JSONB, MADE_FROM), schema="marketing")
    op.execute("CREATE INDEX write_audit_by_slice ON monitoring.write_audit (table_name, slice, audit_id)")
    _stamps()
    _status_now()


def _stamps() -> None:
    written = ", ".join(
        f"'{name}', (SELECT max(audit.audit_id) FROM monitoring.write_audit AS audit "
        f"WHERE audit.table_name = '{table}' AND audit.slice = to_char(day, 'YYYY-MM-DD'))"
        for name, table in {
            "snapshot": "features.customer_snapshot",
            "scores": "models.scores",
            "actions": "marketing.action_recommendations",
            "products": "marketing.product_recommendations",
        }.items()
    )
    op.execute(
        f"""
        CREATE FUNCTION marketing.stamps_of(day date)
        RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp COST 10000 AS $$
            SELECT jsonb_build_object(
                {written},
                'monitored', coalesce((
                    SELECT to_char(runs.as_of_date, 'YYYY-MM-DD') || ' at ' || to_char(runs.measured_at AT TIME ZONE 'UTC',
                        'YYYY-MM-DD HH24:MI:SS.US') || ' UTC'
                    FROM monitoring.drift_runs AS runs
                    WHERE runs.as_of_date < day
                    ORDER BY runs.as_of_date DESC
                    LIMIT 1
                ), 'not monitored'),
                'judged', (
                    SELECT coalesce(bit_xor(hashtextextended(concat_ws('|', judged.target, judged.horizon_days,
                        judged.scored_as_of - date '2000-01-01', extract(epoch FROM judged.measured_at)), 0)), 0)::text
                    FROM monitoring.model_performance AS judged
                    WHERE judged.judged_as_of < day
                ),
                'batches', (
                    SELECT coalesce(bit_xor(hashtextextended(concat_ws('|', batches.source,
                        batches.batch_date - date '2000-01-01', extract(epoch FROM batches.loaded_at)), 0)), 0)::text
                    FROM raw.ingest_batches AS batches
                    WHERE batches.batch_date < day
                )
            )
        $$
        """
    )
    op.execute(
        "COMMENT ON FUNCTION marketing.stamps_of(date) IS 'Stamps of what a publication of the day is made from, as they are now: "
        "see marketing.status.made_from. Runs as its owner, so that who reads marketing alone can ask.'"
    )
    op.execute("REVOKE ALL ON FUNCTION marketing.stamps_of(date) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION marketing.stamps_of(date) TO score, api, marketing_reader")


def _status_now() -> None:
    again = ", ".join(
        f"CASE WHEN coalesce((stamps.now ->> '{name}')::bigint, 0) > coalesce((status.made_from ->> '{name}')::bigint, 0) "
        f"THEN '{words}' END"
        for name, words in {
            "snapshot": "the features of the morning were built again",
            "scores": "the morning was scored again",
            "actions": "its actions were recommended again",
            "products": "its products were recommended again",
        }.items()
    )
    op.execute(
        f"""
        CREATE VIEW marketing.status_now AS
        SELECT
            status.*,
            (SELECT runs.measured_at FROM monitoring.drift_runs AS runs WHERE runs.as_of_date = status.as_of_date) AS monitored_at,
            CASE WHEN status.made_from IS NOT NULL THEN found.reasons != '{{}}' END AS stale,
            nullif(array_to_string(found.reasons, '; '), '') AS stale_because
        FROM marketing.status AS status
        CROSS JOIN LATERAL (SELECT marketing.stamps_of(status.as_of_date) AS now OFFSET 0) AS stamps
        CROSS JOIN LATERAL (
            SELECT CASE WHEN status.made_from IS NULL THEN '{{}}' ELSE array_remove(ARRAY[
                {again},
                CASE WHEN stamps.now ->> 'monitored' != status.made_from ->> 'monitored' THEN
                    'earlier mornings were monitored since (' || (stamps.now ->> 'monitored') || '): its warnings did not know' END,
                CASE WHEN stamps.now ->> 'judged' != status.made_from ->> 'judged' THEN
                    'earlier scores were judged since: reliable, warnings and calibration did not know' END,
                CASE WHEN stamps.now ->> 'batches' != status.made_from ->> 'batches' THEN
                    'batches of before the morning were loaded since' || coalesce((
                        SELECT ': ' || string_agg(late.batch, ', ' ORDER BY late.place)
                        FROM (
                            SELECT
                                batches.source || ' ' || to_char(batches.batch_date, 'YYYY-MM-DD') AS batch,
                                row_number() OVER (ORDER BY batches.batch_date DESC, batches.source) AS place
                            FROM raw.ingest_batches AS batches
                            WHERE batches.batch_date < status.as_of_date AND batches.loaded_at > status.published_at
                        ) AS late
                        WHERE late.place <= 3
                    ), '') END,
                (
                    SELECT 'another model serves the morning now: '
                        || string_agg(served.target || ' ' || serving.model_id || ', not ' || served.model_id, ', '
                            ORDER BY served.target)
                    FROM jsonb_each_text(status.made_from -> 'models') AS served (target, model_id)
                    INNER JOIN (
                        SELECT DISTINCT ON (promotions.target, promotions.horizon_days)
                            promotions.target || '/' || promotions.horizon_days || 'd' AS target, promotions.model_id
                        FROM models.promotions AS promotions
                        WHERE promotions.effective_as_of < status.as_of_date
                        ORDER BY promotions.target, promotions.horizon_days, promotions.effective_as_of DESC,
                            promotions.promotion_id DESC
                    ) AS serving ON served.target = serving.target AND served.model_id != serving.model_id
                )
            ], NULL) END AS reasons
        ) AS found
        """
    )
    op.execute(
        "COMMENT ON VIEW marketing.status_now IS 'marketing.status with what has become of each morning since: one row per as-of "
        "date; stale says that it has to be published again, and stale_because why.'"
    )
    op.execute(
        """
        DO $$ DECLARE c record; BEGIN
            FOR c IN SELECT attname, col_description(attrelid, attnum) AS words FROM pg_attribute
                     WHERE attrelid = 'marketing.status'::regclass AND attnum > 0 AND NOT attisdropped
            LOOP
                EXECUTE format('COMMENT ON COLUMN marketing.status_now.%I IS %L', c.attname, c.words);
            END LOOP;
        END $$
        """
    )
    for name, words in OWN.items():
        op.execute(f"COMMENT ON COLUMN marketing.status_now.{name} IS '{words}'")
    op.execute("GRANT SELECT ON marketing.status_now TO marketing_reader, api, score")


def downgrade() -> None:
    op.execute("DROP VIEW marketing.status_now")
    op.execute("DROP FUNCTION marketing.stamps_of(date)")
    op.execute("DROP INDEX monitoring.write_audit_by_slice")
    op.drop_column("status", "made_from", schema="marketing")
