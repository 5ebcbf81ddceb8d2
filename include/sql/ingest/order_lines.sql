-- Every delivered line of the contested orders of a source that states orders as a whole, and what becomes of it: a delivery whose
-- lines are not those of the one before it stands, until the next that does.
CREATE TEMPORARY TABLE order_lines ON COMMIT DROP AS
WITH ids AS (
    SELECT DISTINCT contested.order_id FROM contested
),

delivered AS (
    SELECT events.*, TRUE AS held
    FROM raw.events AS events
    INNER JOIN ids ON events.order_id = ids.order_id
    WHERE events.source = :source AND events.event_day = any(cast(:days AS date[]))
    UNION ALL
    SELECT duplicates.*, FALSE AS held
    FROM raw.duplicate_events AS duplicates
    INNER JOIN ids ON duplicates.order_id = ids.order_id
    WHERE
        duplicates.source = :source
        AND (duplicates.superseded_on IS NULL OR duplicates.superseded_on > duplicates.batch_date)
),

states AS (
    SELECT
        delivered.order_id,
        delivered.batch_date,
        string_agg(delivered.event_id, ',' ORDER BY delivered.event_id COLLATE "C") AS state
    FROM delivered
    GROUP BY delivered.order_id, delivered.batch_date
),

followed AS (
    SELECT
        states.*,
        lag(states.state) OVER (PARTITION BY states.order_id ORDER BY states.batch_date) AS state_before
    FROM states
),

ends AS (
    SELECT
        followed.order_id,
        followed.batch_date,
        lead(followed.batch_date) OVER (PARTITION BY followed.order_id ORDER BY followed.batch_date) AS next_date
    FROM followed
    WHERE followed.state IS DISTINCT FROM followed.state_before
)

SELECT
    delivered.*,
    ends.order_id IS NOT NULL AS stands,
    ends.next_date
FROM delivered
LEFT JOIN ends ON delivered.order_id = ends.order_id AND delivered.batch_date = ends.batch_date
