-- The model that serves :as_of: the newest promotion that took effect strictly before it.
SELECT promotions.model_id
FROM models.promotions AS promotions
WHERE promotions.target = :target AND promotions.horizon_days = :horizon_days AND promotions.effective_as_of < :as_of
ORDER BY promotions.effective_as_of DESC, promotions.promotion_id DESC
LIMIT 1;
