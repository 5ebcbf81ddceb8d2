-- Every customer scored at :as_of with the snapshot that was scored, the probability, and the label that `outcome` gives.
-- Stands after WITH outcome AS (...).
SELECT
    snapshot.*,
    scores.probability,
    scores.model_id,
    outcome.label
FROM models.scores AS scores
INNER JOIN features.customer_snapshot AS snapshot
    ON scores.as_of_date = snapshot.as_of_date AND scores.customer_id = snapshot.customer_id
INNER JOIN outcome ON scores.customer_id = outcome.customer_id
WHERE
    scores.as_of_date = cast(:as_of AS date) AND scores.target = :target AND scores.horizon_days = :horizon_days
    AND snapshot.as_of_date = cast(:as_of AS date)
ORDER BY scores.customer_id COLLATE "C"
