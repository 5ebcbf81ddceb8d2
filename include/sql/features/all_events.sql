-- All events of customers, as customer_day.sql reads them.
CREATE TEMPORARY TABLE day_events ON COMMIT DROP AS
SELECT
    events.*,
    coalesce(events.order_id, events.session_id, events.event_time::text) AS order_key,
    extract(HOUR FROM events.event_time AT TIME ZONE :timezone)::smallint AS local_hour
FROM raw.events AS events
WHERE events.customer_id IS NOT NULL
