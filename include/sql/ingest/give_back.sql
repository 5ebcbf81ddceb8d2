-- Events that the reloaded batches no longer carry go to the earliest other batch that delivered them too.
WITH orphans AS (
    SELECT DISTINCT ON (duplicates.event_id)
        duplicates.ctid AS place,
        duplicates.event_id
    FROM raw.duplicate_events AS duplicates
    INNER JOIN removed ON duplicates.event_id = removed.event_id
    LEFT JOIN raw.events AS events
        ON
            duplicates.event_id = events.event_id
            AND events.source = :source
            AND events.event_day = any(cast(:days AS date[]))
    WHERE
        duplicates.source = :source AND events.event_id IS NULL
        AND (duplicates.superseded_on IS NULL OR duplicates.superseded_on > duplicates.batch_date)
    ORDER BY duplicates.event_id ASC, duplicates.batch_date ASC
),

moved AS (
    DELETE FROM raw.duplicate_events AS duplicates
    USING orphans
    WHERE duplicates.ctid = orphans.place
    RETURNING duplicates.*
),

owned AS (
    INSERT INTO raw.events (
        event_id, event_time, event_day, customer_id, session_id, event_type, product_id, order_id, quantity, price,
        discount, refunded, charge, category, brand, country, device, channel, attributes, batch_date, source,
        superseded_on
    )
    SELECT
        moved.event_id, moved.event_time, moved.event_day, moved.customer_id, moved.session_id, moved.event_type,
        moved.product_id, moved.order_id, moved.quantity, moved.price, moved.discount, moved.refunded, moved.charge,
        moved.category, moved.brand, moved.country, moved.device, moved.channel, moved.attributes, moved.batch_date,
        moved.source, moved.superseded_on
    FROM moved
    RETURNING batch_date, event_day, customer_id
)

SELECT
    owned.batch_date,
    owned.event_day,
    owned.customer_id
FROM owned
