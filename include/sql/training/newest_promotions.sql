-- The newest promotion of each target.
SELECT DISTINCT ON (promotions.target, promotions.horizon_days)
    promotions.target,
    promotions.horizon_days,
    promotions.model_id
FROM models.promotions AS promotions
ORDER BY promotions.target, promotions.horizon_days, promotions.effective_as_of DESC, promotions.promotion_id DESC;
