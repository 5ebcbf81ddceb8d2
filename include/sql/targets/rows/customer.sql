-- Customers as known at :as_of. No semicolon: the statement is read as a subquery.
SELECT
    snapshot.customer_id AS row_id,
    snapshot.*
FROM features.customer_snapshot AS snapshot
WHERE snapshot.as_of_date = :as_of
