-- The newest models of a target that can serve, the newest first: how good each was, and since when it serves where it did.
SELECT
    versions.model_id,
    versions.trained_as_of,
    judged.auc,
    judged.mae,
    judged.lift10,
    served.effective_as_of AS promoted_as_of
FROM models.model_versions AS versions
LEFT JOIN models.evaluations AS judged ON versions.model_id = judged.model_id AND judged.served
LEFT JOIN LATERAL (
    SELECT max(promotions.effective_as_of) AS effective_as_of
    FROM models.promotions AS promotions
    WHERE promotions.model_id = versions.model_id
) AS served ON TRUE
WHERE versions.target = :target AND versions.horizon_days = :horizon_days
ORDER BY versions.trained_as_of DESC, versions.created_at DESC, versions.model_id ASC
LIMIT :most
