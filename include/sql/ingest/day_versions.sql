-- The batches with which something about the touched customers' days became known. A customer's days share them: an order's line on
-- one day decides on which day the order counts.
CREATE TEMPORARY TABLE day_versions ON COMMIT DROP AS
WITH days AS (
    SELECT DISTINCT touched.customer_id, touched.event_day FROM touched
),

changes AS (
    SELECT events.customer_id, events.batch_date AS version
    FROM raw.events AS events
    INNER JOIN days ON events.customer_id = days.customer_id AND events.event_day = days.event_day
    WHERE events.source = :source AND events.event_day = any(cast(:days AS date[]))
    UNION
    SELECT events.customer_id, events.superseded_on AS version
    FROM raw.events AS events
    INNER JOIN days ON events.customer_id = days.customer_id AND events.event_day = days.event_day
    WHERE events.source = :source AND events.event_day = any(cast(:days AS date[])) AND events.superseded_on IS NOT NULL
)

SELECT
    days.customer_id,
    days.event_day,
    changes.version
FROM days
INNER JOIN changes ON days.customer_id = changes.customer_id
