-- Every probability of :as_of, of all targets and horizons.
SELECT
    scores.customer_id,
    scores.target,
    scores.horizon_days,
    scores.probability
FROM models.scores AS scores
WHERE scores.as_of_date = cast(:as_of AS date)
