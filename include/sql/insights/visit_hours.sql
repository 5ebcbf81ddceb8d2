-- The visits of the table visits by the shop-local hour in which they began: once by day, once by bucket of customers.
SELECT
    kinds.clusters,
    CASE kinds.clusters WHEN 'day' THEN visits.day ELSE visits.customer_bucket END AS cluster,
    visits.hour,
    count(*) AS visits,
    count(*) FILTER (WHERE visits.bought) AS purchases
FROM visits
CROSS JOIN (VALUES ('day'), ('customer')) AS kinds (clusters)
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
