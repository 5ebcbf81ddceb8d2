-- The newest promotion of each target.
SELECT DISTINCT ON (promotions.target, promotions.horizon_days)
    promotions.target,
    promotions.horizon_days,
    promotions.model_id
FROM models.promotions AS promotions
ORDER BY
    promotions.target ASC,
    promotions.horizon_days ASC,
    promotions.effective_as_of DESC,
    promotions.promotion_id DESC;
