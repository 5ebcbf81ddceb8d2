DELETE FROM features.customer_day AS rollup
USING (SELECT DISTINCT touched.customer_id, touched.event_day FROM touched) AS days
WHERE
    rollup.source = :source
    AND rollup.event_day = any(cast(:days AS date[]))
    AND rollup.customer_id = days.customer_id
    AND rollup.event_day = days.event_day
