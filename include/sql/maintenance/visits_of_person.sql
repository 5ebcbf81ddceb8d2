-- The visits of the person in table erased_ids: source, session and each day that the visit's events may stand on.
CREATE TEMPORARY TABLE erased_visits ON COMMIT DROP AS
SELECT DISTINCT
    named.source,
    named.session_id,
    near.day
FROM (
    SELECT
        events.source,
        events.session_id,
        events.event_day
    FROM raw.events AS events
    WHERE events.session_id IS NOT NULL AND events.customer_id IN (SELECT ids.customer_id FROM erased_ids AS ids)
    UNION
    SELECT
        duplicates.source,
        duplicates.session_id,
        duplicates.event_day
    FROM raw.duplicate_events AS duplicates
    WHERE duplicates.session_id IS NOT NULL AND duplicates.customer_id IN (SELECT ids.customer_id FROM erased_ids AS ids)
) AS named
CROSS JOIN LATERAL (VALUES (named.event_day - 1), (named.event_day), (named.event_day + 1)) AS near (day)
