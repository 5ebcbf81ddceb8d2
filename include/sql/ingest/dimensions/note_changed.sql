-- Whom a delivery just written says something new of. It says nothing new where it repeats what counts already, unless it
-- is older than the no that counts, which then began with it.
INSERT INTO touched_customers (customer_id)
SELECT versions.customer_id
FROM raw.customer_versions AS versions
LEFT JOIN raw.customer_consents AS consents ON versions.customer_id = consents.customer_id
WHERE
    versions.source = :source AND versions.valid_from = :batch_date
    AND (
        consents.customer_id IS NULL
        OR versions.consent != consents.consent
        OR (versions.consent IS NOT NULL AND consents.consent IS NULL)
        OR (versions.consent IS NOT NULL AND versions.consent_unreadable IS DISTINCT FROM consents.unreadable)
        OR (versions.consent IS NOT NULL AND versions.valid_from <= consents.since)
    )
