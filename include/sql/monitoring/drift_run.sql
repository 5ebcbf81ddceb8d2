-- The drift of :as_of, and since when it has been over its limit without a break.
SELECT
    runs.reference_as_of,
    runs.features,
    runs.features_drifted,
    runs.share_drifted,
    runs.limit_share,
    runs.drifted,
    (
        SELECT min(over.as_of_date) FROM monitoring.drift_runs AS over
        WHERE over.as_of_date <= runs.as_of_date AND over.as_of_date > coalesce((
            SELECT max(calm.as_of_date) FROM monitoring.drift_runs AS calm
            WHERE calm.as_of_date < runs.as_of_date AND NOT calm.drifted
        ), cast('-infinity' AS date))
    ) AS since
FROM monitoring.drift_runs AS runs
WHERE runs.as_of_date = cast(:as_of AS date)
