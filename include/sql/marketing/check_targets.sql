-- One row per target and horizon scored for :as_of: how many, how many bad, and its deciles.
SELECT
    scores.target,
    scores.horizon_days,
    count(*) AS n,
    count(*) FILTER (
        WHERE (scores.probability BETWEEN 0 AND 1 AND scores.amount IS NULL OR scores.amount >= 0 AND scores.probability IS NULL)
        IS NOT TRUE
    ) AS bad,
    min(scores.decile) AS first_decile,
    max(scores.decile) AS last_decile,
    count(DISTINCT scores.decile) AS deciles
FROM models.scores AS scores
WHERE scores.as_of_date = cast(:as_of AS date)
GROUP BY scores.target, scores.horizon_days
ORDER BY scores.target, scores.horizon_days
