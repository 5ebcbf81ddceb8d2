-- Days in the span that another batch of the source has touched, and from when to when its events on them happened.
SELECT
    touched.event_day,
    min(events.event_time) AS first_event_at,
    max(events.event_time) AS last_event_at
FROM (
    SELECT DISTINCT days.event_day
    FROM raw.ingest_batches AS ledger
    CROSS JOIN LATERAL unnest(ledger.event_days) AS days (event_day)
    WHERE
        ledger.source = :source
        AND ledger.batch_date <> all(cast(:dates AS date[]))
        AND days.event_day = any(cast(:days AS date[]))
) AS touched
INNER JOIN raw.events AS events ON touched.event_day = events.event_day
WHERE
    events.source = :source
    AND events.event_day = any(cast(:days AS date[]))
    AND events.batch_date <> all(cast(:dates AS date[]))
GROUP BY touched.event_day
