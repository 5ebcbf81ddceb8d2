-- The newest date that the data knows, the day after the newest batch with events (a day that came empty tells nothing), and the
-- newest ready morning of marketing.
SELECT
    (
        SELECT max(batches.batch_date) + 1 FROM raw.ingest_batches AS batches
        WHERE cardinality(batches.event_days) > 0
    ) AS known,
    (
        SELECT max(status.as_of_date) FROM marketing.status AS status
        WHERE status.ready
    ) AS ready
