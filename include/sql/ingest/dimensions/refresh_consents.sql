-- The consent now of everybody in touched_customers, over all that was ever delivered; :among names them where they are few.
INSERT INTO raw.customer_consents (customer_id, consent, unreadable, source, since)
WITH said AS (
    SELECT * FROM raw.said_consents('infinity', cast(:among AS text[]))
),

customers AS (
    SELECT
        said.customer_id,
        bool_and(said.consent) AS consent
    FROM said
    GROUP BY said.customer_id
),

-- The source that says no, with the delivery in which it began to; of several the one that began first.
refused AS (
    SELECT DISTINCT ON (beginnings.customer_id) beginnings.*
    FROM (
        SELECT
            said.customer_id,
            said.source,
            said.unreadable,
            min(versions.valid_from) AS since
        FROM said
        INNER JOIN raw.customer_versions AS versions
            ON
                said.customer_id = versions.customer_id AND said.source = versions.source AND NOT versions.consent
                AND versions.valid_from > coalesce(said.last_yes, '-infinity')
        WHERE
            NOT said.consent
            AND (cast(:among AS text[]) IS NULL OR versions.customer_id = any(cast(:among AS text[])))
        GROUP BY said.customer_id, said.source, said.unreadable
    ) AS beginnings
    ORDER BY beginnings.customer_id, beginnings.since, beginnings.source
)

SELECT
    touched.customer_id,
    customers.consent,
    refused.unreadable,
    refused.source,
    refused.since
FROM (SELECT DISTINCT noted.customer_id FROM touched_customers AS noted) AS touched
LEFT JOIN customers ON touched.customer_id = customers.customer_id
LEFT JOIN refused ON touched.customer_id = refused.customer_id
ORDER BY touched.customer_id
ON CONFLICT (customer_id) DO UPDATE SET
    consent = excluded.consent,
    unreadable = excluded.unreadable,
    source = excluded.source,
    since = excluded.since
