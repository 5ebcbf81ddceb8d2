-- The latest snapshot that the model which scored :as_of was calibrated on.
SELECT max(calibrated.day) AS day
FROM models.model_versions AS versions
CROSS JOIN LATERAL unnest(versions.calibration_dates) AS calibrated (day)
WHERE versions.model_id = (
    SELECT scores.model_id FROM models.scores AS scores
    WHERE scores.as_of_date = cast(:as_of AS date) AND scores.target = :target AND scores.horizon_days = :horizon_days
    ORDER BY scores.customer_id
    LIMIT 1
)
