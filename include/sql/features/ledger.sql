-- A fingerprint of the batches before :known_until that features read: a load of any of them changes it. A delivery of a dimension has
-- rows, but touches no day; features do not look at it.
SELECT
    md5(
        coalesce(
            string_agg(
                ledger.source || ' ' || ledger.batch_date || ' ' || ledger.loaded_at,
                ',' ORDER BY ledger.source, ledger.batch_date
            ),
            ''
        )
    ) AS fingerprint
FROM raw.ingest_batches AS ledger
WHERE ledger.batch_date < :known_until AND (ledger.rows_accepted = 0 OR cardinality(ledger.event_days) > 0)
