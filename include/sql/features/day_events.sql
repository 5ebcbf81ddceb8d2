-- The events of some (batch date, event day) slices, as customer_day.sql reads them.
CREATE TEMPORARY TABLE day_events ON COMMIT DROP AS
SELECT
    events.*,
    coalesce(events.order_id, events.session_id, events.event_time::text) AS order_key,
    extract(HOUR FROM events.event_time AT TIME ZONE :timezone)::smallint AS local_hour
FROM raw.events AS events
INNER JOIN (
    SELECT
        (item ->> 0)::date AS batch_date,
        (item ->> 1)::date AS event_day
    FROM jsonb_array_elements(cast(:slices AS jsonb)) AS item
) AS slices ON events.batch_date = slices.batch_date AND events.event_day = slices.event_day
WHERE
    events.source = :source
    AND events.event_day BETWEEN :first_day AND :last_day
    AND events.customer_id IS NOT NULL
