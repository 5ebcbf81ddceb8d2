-- Each serving model beside its baselines, on the same later rows, best first.
WITH ranked AS (
    SELECT
        promotions.model_id,
        row_number() OVER (
            PARTITION BY promotions.target, promotions.horizon_days
            ORDER BY promotions.effective_as_of DESC, promotions.promotion_id DESC
        ) AS newest
    FROM models.promotions AS promotions
    WHERE promotions.effective_as_of <= :as_of
)

SELECT
    evaluations.target || '/' || evaluations.horizon_days || 'd' AS target,
    evaluations.contender,
    evaluations.n,
    round(evaluations.base_rate::numeric, 3) AS base_rate,
    round(evaluations.auc::numeric, 4) AS auc,
    round(evaluations.pr_auc::numeric, 4) AS pr_auc,
    round(evaluations.log_loss::numeric, 4) AS log_loss,
    round(evaluations.brier::numeric, 4) AS brier,
    round(evaluations.ece::numeric, 4) AS ece,
    round(evaluations.lift10::numeric, 2) AS lift10,
    round(evaluations.deviance::numeric, 4) AS deviance,
    round(evaluations.gini::numeric, 4) AS gini
FROM models.evaluations AS evaluations
INNER JOIN ranked ON evaluations.model_id = ranked.model_id AND ranked.newest = 1
ORDER BY
    evaluations.target, evaluations.horizon_days, coalesce(evaluations.log_loss, evaluations.deviance),
    evaluations.contender
