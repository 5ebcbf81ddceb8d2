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
    INSERT INTO raw.duplicate_events SELECT taken.* FROM taken
    RETURNING batch_date, event_day, customer_id
)

SELECT
    kept.batch_date,
    kept.event_day,
    kept.customer_id
FROM kept
