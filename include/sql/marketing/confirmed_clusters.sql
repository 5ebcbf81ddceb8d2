-- The segments that a model was confirmed to get wrong before :as_of: those of the model that scored it first, then the latest
-- judgement. found_on names the model of the others.
SELECT
    clusters.description,
    clusters.rule,
    CASE WHEN judged.model_id != scored.model_id THEN judged.model_id END AS found_on,
    scored.model_id
FROM monitoring.error_clusters AS clusters
LEFT JOIN monitoring.model_performance AS judged
    ON
        clusters.scored_as_of = judged.scored_as_of AND clusters.target = judged.target
        AND clusters.horizon_days = judged.horizon_days
CROSS JOIN (
    SELECT scores.model_id
    FROM models.scores AS scores
    WHERE scores.as_of_date = cast(:as_of AS date) AND scores.target = :target AND scores.horizon_days = :horizon_days
    ORDER BY scores.customer_id
    LIMIT 1
) AS scored
WHERE
    clusters.target = :target AND clusters.horizon_days = :horizon_days AND clusters.confirmed
    AND clusters.judged_as_of < cast(:as_of AS date) AND clusters.judged_as_of >= cast(:since AS date)
ORDER BY
    coalesce(judged.model_id != scored.model_id, FALSE) ASC, clusters.judged_as_of DESC, clusters.scored_as_of DESC, clusters.cluster ASC
