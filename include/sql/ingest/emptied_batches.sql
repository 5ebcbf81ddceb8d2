-- Batches among :dates that were loaded with rows, and from which files.
SELECT
    batches.batch_date,
    batches.rows_accepted,
    array_to_string(batches.files, ', ') AS files
FROM raw.ingest_batches AS batches
WHERE batches.source = :source AND batches.batch_date = any(cast(:dates AS date[])) AND batches.rows_accepted > 0
ORDER BY batches.batch_date
