-- The snapshot of :as_of for the customers of `population`, with the label that `outcome` gives them.
SELECT snapshot.*, outcome.label
FROM features.customer_snapshot AS snapshot
INNER JOIN population USING (customer_id)
INNER JOIN outcome USING (customer_id)
WHERE snapshot.as_of_date = :as_of
ORDER BY snapshot.customer_id COLLATE "C"
