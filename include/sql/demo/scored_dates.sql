-- The as-of dates within a range for which at least :targets targets are scored.
SELECT scored.as_of_date
FROM (
    SELECT scores.as_of_date, scores.target, scores.horizon_days
    FROM models.scores AS scores
    WHERE scores.as_of_date BETWEEN :first_date AND :last_date
    GROUP BY scores.as_of_date, scores.target, scores.horizon_days
) AS scored
GROUP BY scored.as_of_date
HAVING count(*) >= :targets
ORDER BY scored.as_of_date
