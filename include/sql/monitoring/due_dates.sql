-- The dates up to :latest that were scored for the target and not judged at another date than :as_of.
-- Steps from date to date along the key of models.scores, so that its rows are not read.
WITH RECURSIVE scored AS (
    SELECT min(scores.as_of_date) AS day
    FROM models.scores AS scores
    WHERE scores.as_of_date <= cast(:latest AS date)
    UNION ALL
    SELECT (
        SELECT min(scores.as_of_date) FROM models.scores AS scores
        WHERE scores.as_of_date > scored.day AND scores.as_of_date <= cast(:latest AS date)
    ) AS day
    FROM scored
    WHERE scored.day IS NOT NULL
)

SELECT scored.day
FROM scored
WHERE
    scored.day IS NOT NULL
    AND (
        SELECT min(scores.customer_id) FROM models.scores AS scores
        WHERE scores.as_of_date = scored.day AND scores.target = :target AND scores.horizon_days = :horizon_days
    ) IS NOT NULL
    AND coalesce((
        SELECT judged.judged_as_of FROM monitoring.model_performance AS judged
        WHERE judged.scored_as_of = scored.day AND judged.target = :target AND judged.horizon_days = :horizon_days
    ), cast(:as_of AS date)) = cast(:as_of AS date)
ORDER BY scored.day
