-- The counts of a batch that has been loaded with rows.
SELECT
    batches.rows_read,
    batches.rows_accepted,
    batches.rows_rejected,
    batches.rows_duplicate
FROM raw.ingest_batches AS batches
WHERE batches.source = :source AND batches.batch_date = :batch_date AND batches.rows_accepted > 0
