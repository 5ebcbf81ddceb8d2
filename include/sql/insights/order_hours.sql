-- Orders begun in each shop-local hour from :first_day up to the day before :as_of, as known then: once by day, once by bucket of
-- customers.
SELECT
    kinds.clusters,
    CASE kinds.clusters
        WHEN 'day' THEN rollup.event_day - cast(:first_day AS date) ELSE hashtextextended(rollup.customer_id, 0) & 63
    END AS cluster,
    begun.hour,
    count(*) AS visits,
    count(*) AS purchases
FROM features.customer_day AS rollup
CROSS JOIN LATERAL unnest(rollup.purchase_hours) AS begun (hour)
CROSS JOIN (VALUES ('day'), ('customer')) AS kinds (clusters)
WHERE
    rollup.event_day >= cast(:first_day AS date) AND rollup.event_day < cast(:as_of AS date)
    AND rollup.batch_date < cast(:as_of AS date)
    AND (rollup.superseded_on IS NULL OR rollup.superseded_on >= cast(:as_of AS date))
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
