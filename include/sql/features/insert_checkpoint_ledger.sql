INSERT INTO features.checkpoints (checkpoint_date, known_until, ledger)
SELECT
    :checkpoint_date AS checkpoint_date,
    :known_until AS known_until,
    md5(
        coalesce(
            string_agg(
                ledger.source || ' ' || ledger.batch_date || ' ' || ledger.loaded_at,
                ',' ORDER BY ledger.source, ledger.batch_date
            ),
            ''
        )
    ) AS ledger
FROM raw.ingest_batches AS ledger
WHERE ledger.batch_date < :known_until
