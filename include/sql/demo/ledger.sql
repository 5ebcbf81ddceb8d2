-- What became of every delivered row, a row per source.
SELECT
    batches.source,
    count(*) AS batches,
    min(batches.batch_date) AS first_date,
    max(batches.batch_date) AS last_date,
    sum(batches.rows_read)::bigint AS rows_read,
    sum(batches.rows_accepted)::bigint AS accepted,
    sum(batches.rows_rejected)::bigint AS rejected,
    sum(batches.rows_duplicate)::bigint AS duplicate
FROM raw.ingest_batches AS batches
GROUP BY batches.source
ORDER BY batches.source
