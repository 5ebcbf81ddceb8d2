-- Consent of every customer scored for :as_of, as it was known then, in the order of the customers.
SELECT
    scores.customer_id,
    consents.consent,
    raw.suppression_reason(consents.consent, consents.unreadable, :unknown) AS suppressed_reason
FROM models.scores AS scores
LEFT JOIN raw.consents_at(cast(:as_of AS date)) AS consents ON scores.customer_id = consents.customer_id
WHERE scores.as_of_date = cast(:as_of AS date) AND scores.target = :target AND scores.horizon_days = :horizon_days
ORDER BY scores.customer_id COLLATE "C"
