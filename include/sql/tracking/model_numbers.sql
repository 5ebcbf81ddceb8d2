-- The numbers of a model on its report snapshots.
SELECT * FROM models.evaluations
WHERE model_id = :model_id AND contender = 'model';
