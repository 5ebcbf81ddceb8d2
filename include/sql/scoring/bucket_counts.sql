-- For each bucket the customers of `population` it has to hold and the rows staged, each with a sum of 64-bit hashes that is equal
-- only when they are the same customers, each once; and the models that staged them, first and last of the alphabet.
SELECT
    coalesce(belonging.bucket, held.bucket) AS bucket,
    coalesce(belonging.customers, 0) AS expected,
    belonging.hash AS expected_hash,
    coalesce(held.customers, 0) AS staged,
    held.hash AS staged_hash,
    held.first_model,
    held.last_model
FROM (
    SELECT
        mod(mod(hashtextextended(customer_id, 0), :buckets) + :buckets, :buckets) AS bucket,
        count(*) AS customers,
        sum(hashtextextended(customer_id, 1)) AS hash
    FROM population
    GROUP BY mod(mod(hashtextextended(customer_id, 0), :buckets) + :buckets, :buckets)
) AS belonging
FULL JOIN (
    SELECT
        bucket,
        count(*) AS customers,
        sum(hashtextextended(customer_id, 1)) AS hash,
        min(model_id) AS first_model,
        max(model_id) AS last_model
    FROM models.score_staging
    WHERE run_token = :run_token AND as_of_date = :as_of AND target = :target AND horizon_days = :horizon_days
    GROUP BY bucket
) AS held ON belonging.bucket = held.bucket
ORDER BY coalesce(belonging.bucket, held.bucket)
