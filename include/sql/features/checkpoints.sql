-- The checkpoints that a snapshot of :as_of may add to, newest first, each with whether the ledger is still the one it was made
-- from. One whose days a later batch has touched all the same is left out.
SELECT
    checkpoints.checkpoint_date,
    checkpoints.ledger = prints.ledger AS is_current
FROM features.checkpoints
CROSS JOIN
    LATERAL (
        SELECT
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
        WHERE ledger.batch_date < checkpoints.known_until
    ) AS prints
WHERE
    checkpoints.known_until <= :as_of
    AND NOT EXISTS (
        SELECT FROM raw.ingest_batches AS later
        WHERE
            later.batch_date >= checkpoints.known_until
            AND later.batch_date < :as_of
            AND later.event_days[1] < checkpoints.checkpoint_date
    )
ORDER BY checkpoints.checkpoint_date DESC
