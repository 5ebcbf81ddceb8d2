-- What the model that scored :as_of showed on its report snapshots.
SELECT
    evaluations.model_id,
    evaluations.trained_as_of,
    evaluations.n,
    evaluations.base_rate,
    evaluations.auc,
    evaluations.ece
FROM models.evaluations AS evaluations
WHERE evaluations.contender = 'model' AND evaluations.model_id = (
    SELECT scores.model_id FROM models.scores AS scores
    WHERE scores.as_of_date = cast(:as_of AS date) AND scores.target = :target AND scores.horizon_days = :horizon_days
    ORDER BY scores.customer_id
    LIMIT 1
)
