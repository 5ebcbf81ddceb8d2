-- The model that serves the dates after :as_of, a row per target and horizon.
SELECT
    serving.target, serving.horizon_days, serving.model_id
FROM (
    SELECT
        promotions.target, promotions.horizon_days, promotions.model_id,
        row_number() OVER (
            PARTITION BY promotions.target, promotions.horizon_days
            ORDER BY promotions.effective_as_of DESC, promotions.promotion_id DESC
        ) AS newest
    FROM models.promotions AS promotions
    WHERE promotions.effective_as_of <= :as_of
) AS serving
WHERE serving.newest = 1
ORDER BY serving.target, serving.horizon_days
