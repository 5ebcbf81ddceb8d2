-- The segments that the model was confirmed to get wrong before :as_of, the latest judgement first.
SELECT
    clusters.description,
    clusters.rule
FROM monitoring.error_clusters AS clusters
WHERE
    clusters.target = :target AND clusters.horizon_days = :horizon_days AND clusters.confirmed
    AND clusters.judged_as_of < cast(:as_of AS date) AND clusters.judged_as_of >= cast(:since AS date)
ORDER BY clusters.judged_as_of DESC, clusters.scored_as_of DESC, clusters.cluster ASC
