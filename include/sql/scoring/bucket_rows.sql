-- The snapshot of :as_of for one bucket of the customers of `population`.
SELECT snapshot.*
FROM features.customer_snapshot AS snapshot
INNER JOIN population USING (customer_id)
WHERE
    snapshot.as_of_date = :as_of
    AND mod(mod(hashtextextended(snapshot.customer_id, 0), :buckets) + :buckets, :buckets) = :bucket
ORDER BY snapshot.customer_id COLLATE "C"
