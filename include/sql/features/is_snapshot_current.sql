-- Whether no batch that the snapshot of :as_of looks at has been loaded since it was last written.
SELECT
    (
        SELECT max(audit.written_at)
        FROM monitoring.write_audit AS audit
        WHERE audit.table_name = 'features.customer_snapshot' AND audit.slice = cast(:as_of AS text)
    ) > (
        SELECT max(ledger.loaded_at)
        FROM raw.ingest_batches AS ledger
        WHERE ledger.batch_date < :as_of
    ) AS is_current
