-- A sample of the snapshot of :as_of, drawn by a hash of the customer: the same customers on every date and every run.
-- Stands after WITH population AS (...).
SELECT snapshot.*
FROM features.customer_snapshot AS snapshot
INNER JOIN population ON snapshot.customer_id = population.customer_id
WHERE snapshot.as_of_date = cast(:as_of AS date)
ORDER BY hashtextextended(snapshot.customer_id, :seed), snapshot.customer_id COLLATE "C"
LIMIT :rows
