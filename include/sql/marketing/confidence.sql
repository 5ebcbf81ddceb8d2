-- How far the model that scored :as_of is to be trusted, and why no further, as its card says; no row where nothing did.
SELECT
    versions.card ->> 'confidence' AS confidence,
    versions.card ->> 'why' AS why
FROM models.model_versions AS versions
WHERE versions.model_id = (
    SELECT scores.model_id FROM models.scores AS scores
    WHERE scores.as_of_date = cast(:as_of AS date) AND scores.target = :target AND scores.horizon_days = :horizon_days
    ORDER BY scores.customer_id
    LIMIT 1
)
