-- The snapshot of :as_of for the customers of `population`, with the label that `outcome` gives them: of those with label 1 at
-- most :positives, of the others at most :negatives. A hash says which, so they are the same every time; `weight` is the
-- number of customers that each stands for.
SELECT
    snapshot.*,
    drawn.label,
    drawn.weight
FROM features.customer_snapshot AS snapshot
INNER JOIN (
    SELECT
        customer_id,
        label,
        cast(total AS double precision) / least(total, wanted) AS weight
    FROM (
        SELECT
            customer_id,
            outcome.label,
            CASE outcome.label WHEN 1 THEN cast(:positives AS bigint) ELSE cast(:negatives AS bigint) END AS wanted,
            count(*) OVER (PARTITION BY outcome.label) AS total,
            row_number() OVER (
                PARTITION BY outcome.label
                ORDER BY
                    hashtextextended(customer_id || to_char(cast(:as_of AS date), ' YYYY-MM-DD'), :seed),
                    customer_id COLLATE "C"
            ) AS place
        FROM population
        INNER JOIN outcome USING (customer_id)
    ) AS placed
    WHERE place <= wanted
) AS drawn USING (customer_id)
WHERE snapshot.as_of_date = :as_of
ORDER BY snapshot.customer_id COLLATE "C"
