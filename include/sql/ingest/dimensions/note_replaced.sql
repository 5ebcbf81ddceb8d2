-- Whom a delivery named before it is loaded again.
CREATE TEMPORARY TABLE touched_customers ON COMMIT DROP AS
SELECT versions.customer_id
FROM raw.customer_versions AS versions
WHERE versions.source = :source AND versions.valid_from = :batch_date
