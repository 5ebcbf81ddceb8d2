-- Every score of :as_of, of all targets and horizons: a probability, or an amount.
SELECT
    scores.customer_id,
    scores.target,
    scores.horizon_days,
    coalesce(scores.probability, scores.amount) AS score
FROM models.scores AS scores
WHERE scores.as_of_date = cast(:as_of AS date)
