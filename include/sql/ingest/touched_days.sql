-- Adds the customers' days on :days that more than one batch tells of, one of them of :dates.
INSERT INTO touched (customer_id, event_day)
SELECT
    rollup.customer_id,
    rollup.event_day
FROM features.customer_day AS rollup
WHERE rollup.source = :source AND rollup.event_day = any(cast(:days AS date[]))
GROUP BY rollup.customer_id, rollup.event_day
HAVING count(*) > 1 AND bool_or(rollup.batch_date = any(cast(:dates AS date[])))
