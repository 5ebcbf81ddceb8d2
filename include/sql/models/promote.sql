INSERT INTO models.promotions (target, horizon_days, effective_as_of, model_id, reason, actor)
VALUES (:target, :horizon_days, :effective_as_of, :model_id, :reason, :actor)
RETURNING promotion_id;
