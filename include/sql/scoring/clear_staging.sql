-- The run's own rows, and those that a run which never published left a week ago.
DELETE FROM models.score_staging
WHERE run_token = :run_token OR staged_at < now() - interval '7 days';
