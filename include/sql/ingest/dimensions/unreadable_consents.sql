-- How many consents of a delivery could not be read, and one of the words.
SELECT
    count(*) AS n,
    min(versions.consent_unreadable) AS example
FROM raw.customer_versions AS versions
WHERE versions.source = :source AND versions.valid_from = :batch_date AND versions.consent_unreadable IS NOT NULL
