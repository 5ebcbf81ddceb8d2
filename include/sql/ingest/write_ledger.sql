-- Counts of the batches of this load, and of the batches that lost or regained events by it, from the tables themselves.
INSERT INTO raw.ingest_batches (
    source, batch_date, status, files, rows_read, rows_accepted, rows_rejected, rows_duplicate, event_days, loaded_at, run_id
)
WITH read_now AS (
    SELECT
        (item ->> 'batch_date')::date AS batch_date, item ->> 'status' AS status,
        array(SELECT jsonb_array_elements_text(item -> 'files')) AS files,
        (item ->> 'rows_read')::bigint AS rows_read, (item ->> 'rows_rejected')::bigint AS rows_rejected
    FROM jsonb_array_elements(cast(:batches AS jsonb)) AS item
),

duplicates AS (
    SELECT disowned.batch_date, count(*) AS rows_duplicate FROM disowned
    GROUP BY disowned.batch_date
),

days AS (
    SELECT incoming.batch_date, array_agg(DISTINCT incoming.event_day ORDER BY incoming.event_day) AS event_days
    FROM incoming
    GROUP BY incoming.batch_date
)

SELECT
    :source, read_now.batch_date, read_now.status, read_now.files, read_now.rows_read,
    read_now.rows_read - read_now.rows_rejected - coalesce(duplicates.rows_duplicate, 0), read_now.rows_rejected,
    coalesce(duplicates.rows_duplicate, 0), coalesce(days.event_days, '{}'), now(), :run_id
FROM read_now
LEFT JOIN duplicates USING (batch_date)
LEFT JOIN days USING (batch_date)
ON CONFLICT (source, batch_date) DO UPDATE SET
    status = excluded.status, files = excluded.files, rows_read = excluded.rows_read, rows_accepted = excluded.rows_accepted,
    rows_rejected = excluded.rows_rejected, rows_duplicate = excluded.rows_duplicate, event_days = excluded.event_days,
    loaded_at = excluded.loaded_at, run_id = excluded.run_id;

UPDATE raw.ingest_batches AS ledger SET
    rows_accepted = ledger.rows_accepted + moved.events,
    rows_duplicate = ledger.rows_duplicate - moved.events
FROM (
    SELECT changes.batch_date, sum(changes.events) AS events
    FROM (
        SELECT yielded.batch_date, -1 AS events FROM yielded
        UNION ALL
        SELECT given_back.batch_date, 1 AS events FROM given_back
    ) AS changes
    GROUP BY changes.batch_date
) AS moved
WHERE ledger.source = :source AND ledger.batch_date = moved.batch_date;
