-- The newest reports of each target and horizon, with what became of the model.
WITH ranked AS (
    SELECT
        r.model_id,
        v.target,
        v.horizon_days,
        v.trained_as_of,
        v.card ->> 'confidence' AS confidence,
        d.promoted,
        d.reason,
        row_number() OVER (
            PARTITION BY v.target, v.horizon_days
            ORDER BY v.trained_as_of DESC, r.created_at DESC
        ) AS place
    FROM models.reports AS r
    INNER JOIN models.model_versions AS v USING (model_id)
    LEFT JOIN LATERAL (
        SELECT
            one.promoted,
            one.reason
        FROM models.decisions AS one
        WHERE one.model_id = r.model_id
        ORDER BY one.decision_id DESC
        LIMIT 1
    ) AS d ON TRUE
)

SELECT
    model_id,
    target,
    horizon_days,
    trained_as_of,
    confidence,
    promoted,
    reason
FROM ranked
WHERE place <= :each
ORDER BY target, horizon_days, place
