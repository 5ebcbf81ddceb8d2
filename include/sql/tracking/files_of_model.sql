SELECT
    name,
    content
FROM models.model_files
WHERE model_id = :model_id
ORDER BY name;
