-- The page of a model.
SELECT html
FROM models.reports
WHERE model_id = :model_id
