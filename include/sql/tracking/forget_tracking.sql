DELETE FROM models.tracking
WHERE model_id = :model_id;
