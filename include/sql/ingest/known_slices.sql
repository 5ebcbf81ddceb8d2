-- The days that the batches touched when they were last loaded.
SELECT
    ledger.batch_date,
    touched.event_day
FROM raw.ingest_batches AS ledger
CROSS JOIN LATERAL unnest(ledger.event_days) AS touched (event_day)
WHERE ledger.source = :source AND ledger.batch_date = any(cast(:dates AS date[]))
