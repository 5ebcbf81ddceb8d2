-- What the gate said of a model as of a date, and whether it was promoted then; no row: it was not asked.
SELECT
    decisions.accepted,
    decisions.reason,
    decisions.checks,
    bool_or(decisions.promoted) OVER () AS promoted
FROM models.decisions AS decisions
WHERE
    decisions.model_id = :model_id AND decisions.as_of_date = :as_of
    AND decisions.target = :target AND decisions.horizon_days = :horizon_days
ORDER BY decisions.decision_id DESC
LIMIT 1;
