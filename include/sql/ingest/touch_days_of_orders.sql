-- Adds the other days of the orders that have lines on the touched customers' days: on which of its days an order counts needs all of them.
INSERT INTO touched (customer_id, event_day)
SELECT DISTINCT
    lines.customer_id,
    lines.event_day
FROM (
    SELECT DISTINCT
        events.customer_id,
        events.order_id
    FROM raw.events AS events
    INNER JOIN touched ON events.customer_id = touched.customer_id AND events.event_day = touched.event_day
    WHERE events.source = :source AND events.event_day = any(cast(:days AS date[])) AND events.order_id IS NOT NULL
) AS orders
INNER JOIN raw.order_days AS lines ON orders.order_id = lines.order_id AND orders.customer_id = lines.customer_id
LEFT JOIN touched AS known ON lines.customer_id = known.customer_id AND lines.event_day = known.event_day
WHERE lines.source = :source AND known.customer_id IS NULL
