-- The as-of dates within a range whose drift was measured.
SELECT runs.as_of_date
FROM monitoring.drift_runs AS runs
WHERE runs.as_of_date BETWEEN :first_date AND :last_date
ORDER BY runs.as_of_date
