-- What was known of the staged customers' consent, and of how many customers, staged or not, it could not be read at :as_of.
SELECT
    staged.suppressed,
    staged.consent_missing,
    unreadable.consent_unreadable,
    unreadable.word,
    unreadable.source
FROM (
    SELECT
        count(*) FILTER (WHERE scores.suppressed_reason IS NOT NULL) AS suppressed,
        count(*) FILTER (WHERE scores.consent IS NULL) AS consent_missing
    FROM staged_customer_scores AS scores
) AS staged
CROSS JOIN (
    SELECT
        count(DISTINCT said.customer_id) AS consent_unreadable,
        min(said.unreadable) AS word,
        (array_agg(said.source ORDER BY said.unreadable, said.source))[1] AS source
    FROM raw.said_consents(cast(:as_of AS date)) AS said
    WHERE said.unreadable IS NOT NULL
) AS unreadable
