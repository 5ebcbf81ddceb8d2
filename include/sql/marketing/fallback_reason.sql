-- Why a fallback scored :as_of, as its model card says; no row, or NULL: a model of normal confidence did.
SELECT versions.card ->> 'why' AS why
FROM models.model_versions AS versions
WHERE versions.model_id = (
    SELECT scores.model_id FROM models.scores AS scores
    WHERE scores.as_of_date = cast(:as_of AS date) AND scores.target = :target AND scores.horizon_days = :horizon_days
    ORDER BY scores.customer_id
    LIMIT 1
)
