-- The as-of dates within a range that marketing may use.
SELECT status.as_of_date
FROM marketing.status AS status
WHERE status.as_of_date BETWEEN :first_date AND :last_date AND status.ready
ORDER BY status.as_of_date
