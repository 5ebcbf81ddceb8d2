DELETE FROM raw.contacts AS versions
WHERE versions.source = :source AND versions.batch_date = :batch_date
