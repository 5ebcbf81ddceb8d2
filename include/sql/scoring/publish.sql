-- Staged scores of one target become models.scores, ranked over all customers. Ranks are made of narrow rows; the wide ones are
-- sorted once, since rows that enter a key in its order take a third less time.
INSERT INTO models.scores (
    as_of_date, target, horizon_days, customer_id, probability, amount, percentile, decile, reasons, model_id
)
WITH ranked AS (
    SELECT
        customer_id,
        ntile(10) OVER (ORDER BY score DESC, customer_id COLLATE "C") AS decile,
        count(*) OVER (ORDER BY score DESC) AS as_high,
        count(*) OVER () AS customers
    FROM (
        SELECT
            customer_id,
            coalesce(probability, amount) AS score
        FROM models.score_staging
        WHERE run_token = :run_token AND as_of_date = :as_of AND target = :target AND horizon_days = :horizon_days
    ) AS scored
)

SELECT
    staged.as_of_date,
    staged.target,
    staged.horizon_days,
    staged.customer_id,
    staged.probability,
    staged.amount,
    cast(100 AS double precision) * (ranked.customers - ranked.as_high) / ranked.customers AS percentile,
    ranked.decile,
    staged.reasons,
    staged.model_id
FROM models.score_staging AS staged
INNER JOIN ranked ON staged.customer_id = ranked.customer_id
WHERE
    staged.run_token = :run_token AND staged.as_of_date = :as_of
    AND staged.target = :target AND staged.horizon_days = :horizon_days
ORDER BY staged.customer_id COLLATE "C";
