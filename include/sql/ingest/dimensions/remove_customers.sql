DELETE FROM raw.customer_versions AS versions
WHERE versions.source = :source AND versions.valid_from = :batch_date
