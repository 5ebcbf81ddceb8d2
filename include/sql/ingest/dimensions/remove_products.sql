DELETE FROM raw.product_versions AS versions
WHERE versions.source = :source AND versions.valid_from = :batch_date
