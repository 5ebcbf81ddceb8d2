-- Every target and horizon scored for :as_of.
INSERT INTO marketing.target_scores (
    as_of_date, target, horizon_days, customer_id, probability, amount, percentile, decile, model_version
)
SELECT
    scores.as_of_date,
    scores.target,
    scores.horizon_days,
    scores.customer_id,
    scores.probability,
    scores.amount,
    scores.percentile,
    scores.decile,
    scores.model_id AS model_version
FROM models.scores AS scores
WHERE scores.as_of_date = cast(:as_of AS date)
ORDER BY scores.target, scores.horizon_days, scores.customer_id COLLATE "C"
