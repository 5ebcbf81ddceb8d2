-- Models that MLflow has not been told of, newest first.
SELECT
    versions.model_id,
    versions.target,
    versions.horizon_days,
    versions.trained_as_of,
    versions.card,
    versions.run_id
FROM models.model_versions AS versions
WHERE
    NOT EXISTS (
        SELECT 1 FROM models.tracking AS known
        WHERE known.model_id = versions.model_id
    )
ORDER BY versions.created_at DESC
LIMIT :at_once;
