-- What the ledger says of the :days batches of each active source before :as_of: one row a source, also of one without any.
-- Which of the days the source's calendar closes, the caller knows.
-- `newest` and `first_batch` look over the whole ledger, which has a row a day; event days count where they are before :as_of.
WITH batches AS (
    SELECT
        ledger.*,
        ledger.batch_date >= cast(:as_of AS date) - cast(:days AS integer) AS recent
    FROM raw.ingest_batches AS ledger
    WHERE ledger.batch_date < :as_of
),

days AS (
    SELECT
        batches.source,
        max(event_day) AS newest_event_day
    FROM batches, unnest(batches.event_days) AS event_day
    WHERE batches.recent AND event_day < :as_of
    GROUP BY batches.source
)

SELECT
    active.source,
    max(batches.batch_date) AS newest,
    min(batches.batch_date) AS first_batch,
    count(*) FILTER (WHERE batches.recent) AS batches,
    count(*) FILTER (WHERE batches.recent AND batches.rows_read > 0) AS full_batches,
    coalesce(array_agg(batches.batch_date) FILTER (WHERE batches.recent), '{}') AS batch_days,
    coalesce(
        array_agg(batches.batch_date) FILTER (WHERE batches.recent AND batches.status <> 'closed' AND batches.rows_read = 0), '{}'
    ) AS empty_days,
    coalesce(sum(batches.rows_read) FILTER (WHERE batches.recent), 0) AS rows_read,
    coalesce(sum(batches.rows_rejected) FILTER (WHERE batches.recent), 0) AS rows_rejected,
    coalesce(sum(batches.rows_duplicate) FILTER (WHERE batches.recent), 0) AS rows_duplicate,
    max(days.newest_event_day) AS newest_event_day
FROM unnest(cast(:sources AS text[])) AS active (source)
LEFT JOIN batches ON active.source = batches.source
LEFT JOIN days ON active.source = days.source
GROUP BY active.source
ORDER BY active.source;
