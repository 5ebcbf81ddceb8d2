-- Why a fallback scored :as_of, as its model.json says; no row, or NULL: a model of normal confidence did.
SELECT cast(convert_from(files.content, 'UTF8') AS jsonb) #>> '{recipe,why}' AS why
FROM models.model_files AS files
WHERE files.name = 'model.json' AND files.model_id = (
    SELECT scores.model_id FROM models.scores AS scores
    WHERE scores.as_of_date = cast(:as_of AS date) AND scores.target = :target AND scores.horizon_days = :horizon_days
    ORDER BY scores.customer_id
    LIMIT 1
)
