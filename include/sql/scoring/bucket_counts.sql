-- For each bucket: the customers of `population` it has to hold, those staged, and the staged ones that belong there.
SELECT
    bucket,
    count(*) FILTER (WHERE belongs) AS expected,
    coalesce(sum(copies), 0) AS staged,
    count(*) FILTER (WHERE belongs AND copies > 0) AS matched
FROM (
    SELECT
        customer_id,
        bucket,
        bool_or(belongs) AS belongs,
        count(*) FILTER (WHERE staged) AS copies
    FROM (
        SELECT
            customer_id,
            mod(mod(hashtextextended(customer_id, 0), :buckets) + :buckets, :buckets) AS bucket,
            TRUE AS belongs,
            FALSE AS staged
        FROM population
        UNION ALL
        SELECT
            customer_id,
            bucket,
            FALSE AS belongs,
            TRUE AS staged
        FROM models.score_staging
        WHERE run_token = :run_token AND as_of_date = :as_of AND target = :target AND horizon_days = :horizon_days
    ) AS either
    GROUP BY customer_id, bucket
) AS customers
GROUP BY bucket
ORDER BY bucket
