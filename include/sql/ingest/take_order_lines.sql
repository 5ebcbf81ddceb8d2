-- Takes the lines of order_lines out of both tables, to be put where they belong.
WITH ids AS (
    SELECT DISTINCT order_lines.order_id FROM order_lines
),

held AS (
    DELETE FROM raw.events AS events
    USING ids
    WHERE events.order_id = ids.order_id AND events.source = :source AND events.event_day = any(cast(:days AS date[]))
)

DELETE FROM raw.duplicate_events AS duplicates
USING ids
WHERE
    duplicates.order_id = ids.order_id AND duplicates.source = :source
    AND (duplicates.superseded_on IS NULL OR duplicates.superseded_on > duplicates.batch_date)
