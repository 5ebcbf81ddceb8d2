-- The visits of the table visits by price cell, a quarter of a percent wide: once by bucket of products, once by bucket of customers.
SELECT
    kinds.clusters,
    CASE kinds.clusters WHEN 'product' THEN visits.product_bucket ELSE visits.customer_bucket END AS cluster,
    cast(floor(ln(cast(visits.price AS double precision)) / 0.0025) AS integer) AS cell,
    cast(min(visits.price) AS double precision) AS lowest,
    cast(max(visits.price) AS double precision) AS highest,
    count(*) AS visits,
    count(*) FILTER (WHERE visits.bought) AS purchases
FROM visits
CROSS JOIN (VALUES ('product'), ('customer')) AS kinds (clusters)
WHERE visits.price IS NOT NULL AND visits.product_bucket IS NOT NULL
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
