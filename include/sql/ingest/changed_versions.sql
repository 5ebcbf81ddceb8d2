-- The versions of the touched days that changed something, each with the one that follows it; from the temporary table rolled.
CREATE TEMPORARY TABLE changed_versions ON COMMIT DROP AS
WITH told AS (
    SELECT
        versions.customer_id,
        versions.event_day,
        versions.version,
        CASE WHEN rolled.customer_id IS NOT NULL THEN to_jsonb(rolled) - 'batch_date' END AS state
    FROM day_versions AS versions
    LEFT JOIN rolled
        ON
            versions.customer_id = rolled.customer_id
            AND versions.event_day = rolled.event_day
            AND versions.version = rolled.batch_date
),

followed AS (
    SELECT
        told.*,
        lag(told.state) OVER (PARTITION BY told.customer_id, told.event_day ORDER BY told.version) AS state_before
    FROM told
)

SELECT
    followed.customer_id,
    followed.event_day,
    followed.version AS batch_date,
    lead(followed.version) OVER (PARTITION BY followed.customer_id, followed.event_day ORDER BY followed.version) AS superseded_on
FROM followed
WHERE followed.state IS DISTINCT FROM followed.state_before
