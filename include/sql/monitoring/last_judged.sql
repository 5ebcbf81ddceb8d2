-- The newest scores whose outcome was known before :as_of, against what happened.
SELECT
    judged.scored_as_of,
    judged.model_id,
    judged.n,
    judged.base_rate,
    judged.mean_predicted,
    judged.auc,
    judged.ece
FROM monitoring.model_performance AS judged
WHERE judged.target = :target AND judged.horizon_days = :horizon_days AND judged.judged_as_of < cast(:as_of AS date)
ORDER BY judged.scored_as_of DESC
LIMIT 1
