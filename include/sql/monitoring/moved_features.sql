-- The features that drifted on :as_of, the furthest first.
SELECT
    features.feature,
    features.method,
    features.distance,
    features.threshold,
    features.reference_mean,
    features.current_mean,
    features.reference_missing,
    features.current_missing
FROM monitoring.drift_features AS features
WHERE features.as_of_date = cast(:as_of AS date) AND features.drifted
ORDER BY features.distance DESC, features.feature ASC
