-- Every customer scored for :as_of with the snapshot that was scored, in the order of the customers.
SELECT
    scores.customer_id AS scored_customer_id,
    snapshot.*
FROM models.scores AS scores
LEFT JOIN (
    SELECT * FROM features.customer_snapshot
    WHERE as_of_date = cast(:as_of AS date)
) AS snapshot ON scores.customer_id = snapshot.customer_id
WHERE scores.as_of_date = cast(:as_of AS date) AND scores.target = :target AND scores.horizon_days = :horizon_days
ORDER BY scores.customer_id COLLATE "C"
