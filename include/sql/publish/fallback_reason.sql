-- Whether the model that scored :as_of gives everybody the base rate. Its model.json says what kind it is.
SELECT cast(convert_from(files.content, 'UTF8') AS jsonb) ->> 'kind' = 'base_rate' AS fallback
FROM models.model_files AS files
WHERE files.name = 'model.json' AND files.model_id = (
    SELECT scores.model_id FROM models.scores AS scores
    WHERE scores.as_of_date = cast(:as_of AS date) AND scores.target = :target AND scores.horizon_days = :horizon_days
    ORDER BY scores.customer_id
    LIMIT 1
)
