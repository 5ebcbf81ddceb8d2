-- 24 rows: orders begun in each shop-local hour from :first_day up to the day before :as_of, as known then.
SELECT
    hours.hour,
    coalesce(counts.orders, 0) AS orders
FROM generate_series(0, 23) AS hours (hour)
LEFT JOIN (
    SELECT
        begun.hour,
        count(*) AS orders
    FROM features.customer_day AS rollup
    CROSS JOIN LATERAL unnest(rollup.purchase_hours) AS begun (hour)
    WHERE
        rollup.event_day >= cast(:first_day AS date) AND rollup.event_day < cast(:as_of AS date)
        AND rollup.batch_date < cast(:as_of AS date)
    GROUP BY begun.hour
) AS counts ON hours.hour = counts.hour
ORDER BY hours.hour
