-- An event that a later batch owned so far belongs to the earlier one that is loaded now.
WITH taken AS (
    DELETE FROM raw.events AS events
    USING incoming_keys AS incoming
    WHERE
        events.source = :source
        AND events.event_day = any(cast(:days AS date[]))
        AND events.event_id = incoming.event_id
        AND incoming.delivery = 1
        AND events.batch_date > incoming.batch_date
        AND abs(events.event_day - incoming.event_day) <= :reach
    RETURNING events.*
),

kept AS (
    INSERT INTO raw.duplicate_events (
        event_id, event_time, event_day, customer_id, session_id, event_type, product_id, order_id, quantity, price,
        discount, refunded, charge, category, brand, country, device, channel, attributes, batch_date, source,
        superseded_on
    )
    SELECT
        taken.event_id, taken.event_time, taken.event_day, taken.customer_id, taken.session_id, taken.event_type,
        taken.product_id, taken.order_id, taken.quantity, taken.price, taken.discount, taken.refunded, taken.charge,
        taken.category, taken.brand, taken.country, taken.device, taken.channel, taken.attributes, taken.batch_date,
        taken.source, taken.superseded_on
    FROM taken
    RETURNING batch_date, event_day, customer_id
)

SELECT
    kept.batch_date,
    kept.event_day,
    kept.customer_id
FROM kept
