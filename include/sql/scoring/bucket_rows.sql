-- The snapshot of :as_of for one bucket of the customers of `asked` (customer_id, bit); `populations` has the bits of a
-- customer. No semicolon: the statement is read as a subquery.
SELECT
    snapshot.*,
    members.populations
FROM features.customer_snapshot AS snapshot
INNER JOIN (
    SELECT
        asked.customer_id,
        bit_or(asked.bit) AS populations
    FROM asked
    WHERE mod(mod(hashtextextended(asked.customer_id, 0), :buckets) + :buckets, :buckets) = :bucket
    GROUP BY asked.customer_id
) AS members ON snapshot.customer_id = members.customer_id
WHERE snapshot.as_of_date = :as_of
