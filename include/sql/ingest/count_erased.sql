-- Says in the ledger how many rows of erased persons a batch was loaded without.
UPDATE raw.ingest_batches
SET rows_erased = :rows
WHERE source = :source AND batch_date = :batch_date AND rows_erased <> :rows
