-- The checkpoints that a snapshot of :as_of may add to if they are not stale, newest first, each with the fingerprint of the ledger it
-- was made from. One whose days a later batch has touched all the same is left out.
SELECT
    checkpoints.checkpoint_date,
    checkpoints.known_until,
    checkpoints.ledger
FROM features.checkpoints
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
