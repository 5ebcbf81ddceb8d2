-- The snapshots that a model which was ever promoted was fitted, tuned, calibrated or reported on.
SELECT DISTINCT dates.day
FROM models.model_versions AS versions
CROSS JOIN
    LATERAL unnest(
        versions.fit_dates || versions.tune_dates || versions.calibration_dates || versions.test_dates
    ) AS dates (day)
WHERE versions.model_id IN (SELECT promotions.model_id FROM models.promotions AS promotions)
