-- The batches with which something about the touched customers' days became known. A customer's days share them: an order's line on
-- one day decides on which day the order counts.
CREATE TEMPORARY TABLE day_versions ON COMMIT DROP AS
WITH days AS (
    SELECT DISTINCT touched.customer_id, touched.event_day FROM touched
),

changes AS (
    SELECT DISTINCT
        events.customer_id,
        told.version
    FROM (
        SELECT DISTINCT
            known.customer_id,
            known.batch_date,
            known.superseded_on
        FROM raw.events AS known
        INNER JOIN days ON known.customer_id = days.customer_id AND known.event_day = days.event_day
        WHERE known.source = :source AND known.event_day = any(cast(:days AS date[]))
    ) AS events
    CROSS JOIN LATERAL (VALUES (events.batch_date), (events.superseded_on)) AS told (version)
    WHERE told.version IS NOT NULL
)

SELECT
    days.customer_id,
    days.event_day,
    changes.version
FROM days
INNER JOIN changes ON days.customer_id = changes.customer_id
