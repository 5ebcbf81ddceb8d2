-- Takes a customer's rows out of the ledger's counts, before they go: it stays equal to the tables.
UPDATE raw.ingest_batches AS batches
SET
    rows_read = batches.rows_read - gone.accepted - gone.duplicate,
    rows_accepted = batches.rows_accepted - gone.accepted,
    rows_duplicate = batches.rows_duplicate - gone.duplicate
FROM (
    SELECT
        owned.source,
        owned.batch_date,
        sum(owned.accepted) AS accepted,
        sum(owned.duplicate) AS duplicate
    FROM (
        SELECT
            events.source,
            events.batch_date,
            1 AS accepted,
            0 AS duplicate
        FROM raw.events AS events
        WHERE events.customer_id = :customer_id
        UNION ALL
        SELECT
            duplicates.source,
            duplicates.batch_date,
            0 AS accepted,
            1 AS duplicate
        FROM raw.duplicate_events AS duplicates
        WHERE duplicates.customer_id = :customer_id
    ) AS owned
    GROUP BY owned.source, owned.batch_date
) AS gone
WHERE batches.source = gone.source AND batches.batch_date = gone.batch_date
