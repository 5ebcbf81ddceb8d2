-- The last drift measured before :as_of.
SELECT
    runs.as_of_date,
    runs.reference_as_of,
    runs.features,
    runs.features_drifted,
    runs.drifted
FROM monitoring.drift_runs AS runs
WHERE runs.as_of_date < cast(:as_of AS date)
ORDER BY runs.as_of_date DESC
LIMIT 1
