-- A batch that yielded events to an earlier one has more duplicates; one that got events back has fewer.
UPDATE raw.ingest_batches AS ledger SET
    rows_accepted = ledger.rows_accepted + :events,
    rows_duplicate = ledger.rows_duplicate - :events,
    loaded_at = clock_timestamp()
WHERE ledger.source = :source AND ledger.batch_date = :batch_date
