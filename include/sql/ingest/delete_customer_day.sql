DELETE FROM features.customer_day AS rollup
USING (
    SELECT (item ->> 0)::date AS batch_date, (item ->> 1)::date AS event_day
    FROM jsonb_array_elements(cast(:slices AS jsonb)) AS item
) AS slices
WHERE
    rollup.source = :source
    AND rollup.batch_date = slices.batch_date
    AND rollup.event_day = slices.event_day
    AND rollup.event_day BETWEEN :first_day AND :last_day;
