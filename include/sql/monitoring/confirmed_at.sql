-- The segments confirmed at :as_of.
SELECT clusters.*
FROM monitoring.error_clusters AS clusters
WHERE clusters.judged_as_of = cast(:as_of AS date) AND clusters.confirmed
ORDER BY clusters.target, clusters.horizon_days, clusters.scored_as_of, clusters.cluster
