-- The as-of dates within a range that have actions.
SELECT DISTINCT actions.as_of_date
FROM marketing.action_recommendations AS actions
WHERE actions.as_of_date BETWEEN :first_date AND :last_date
ORDER BY actions.as_of_date
