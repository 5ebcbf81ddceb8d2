-- Adds the customers' days on :days that more than one batch tells of, one of them of :dates.
INSERT INTO touched (customer_id, event_day)
SELECT
    days.customer_id,
    days.event_day
FROM features.customer_day AS days
WHERE days.source = :source AND days.event_day = any(cast(:days AS date[]))
GROUP BY days.customer_id, days.event_day
HAVING count(*) > 1 AND bool_or(days.batch_date = any(cast(:dates AS date[])))
