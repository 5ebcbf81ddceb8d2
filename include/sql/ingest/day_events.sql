-- The events of the touched customers' days once for each version, as customer_day.sql reads them: those known with it.
-- An order begins on the day that has none of its lines in the :reach days before it. Events without an order, which are most where
-- visits are told, are not sorted for it.
CREATE TEMPORARY TABLE day_events ON COMMIT DROP AS
WITH known AS (
    SELECT
        events.source, events.event_time, events.event_day, events.customer_id, events.session_id, events.event_type,
        events.product_id, events.order_id, events.quantity, events.price, events.discount, events.refunded, events.charge,
        events.category, events.country, events.device, events.channel,
        versions.version AS batch_date,
        coalesce(events.order_id, events.session_id, events.event_time::text) AS order_key,
        extract(HOUR FROM events.event_time AT TIME ZONE :timezone)::smallint AS local_hour
    FROM raw.events AS events
    INNER JOIN day_versions AS versions ON events.customer_id = versions.customer_id AND events.event_day = versions.event_day
    WHERE
        events.source = :source AND events.event_day = any(cast(:days AS date[]))
        AND events.batch_date <= versions.version
        AND (events.superseded_on IS NULL OR events.superseded_on > versions.version)
)

SELECT
    known.*,
    TRUE AS starts_order
FROM known
WHERE known.order_id IS NULL
UNION ALL
SELECT
    known.*,
    known.event_day - coalesce(
        max(known.event_day) FILTER (WHERE known.event_type = 'purchase') OVER (
            PARTITION BY known.customer_id, known.order_id, known.batch_date
            ORDER BY known.event_day
            GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        '0001-01-01'
    ) > :reach AS starts_order
FROM known
WHERE known.order_id IS NOT NULL
