-- The dates of a source that the ledger has, within a range.
SELECT batches.batch_date
FROM raw.ingest_batches AS batches
WHERE batches.source = :source AND batches.batch_date BETWEEN :first_date AND :last_date
ORDER BY batches.batch_date
