-- Days in the span that another batch of the source has touched.
SELECT DISTINCT touched.event_day
FROM raw.ingest_batches AS ledger
CROSS JOIN LATERAL unnest(ledger.event_days) AS touched (event_day)
WHERE
    ledger.source = :source
    AND ledger.batch_date <> all(cast(:dates AS date[]))
    AND touched.event_day BETWEEN :first_day AND :last_day
