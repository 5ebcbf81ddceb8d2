-- Staged scores of one target as models.scores has them, ranked over all its customers. Ranks are made of narrow rows. Tenths are
-- those of ntile(10): the first ones are larger by one where ten does not divide the customers. Worked out from the place, they
-- need no pass over all rows of their own. No semicolon: the statement is read behind an INSERT.
WITH ranked AS (
    SELECT
        customer_id,
        row_number() OVER (ORDER BY score DESC, customer_id COLLATE "C") AS place,
        count(*) OVER (ORDER BY score DESC) AS as_high
    FROM (
        SELECT
            customer_id,
            coalesce(probability, amount) AS score
        FROM models.score_staging
        WHERE run_token = :run_token AND as_of_date = :as_of AND target = :target AND horizon_days = :horizon_days
    ) AS scored
),

total AS (
    SELECT count(*) AS customers
    FROM models.score_staging
    WHERE run_token = :run_token AND as_of_date = :as_of AND target = :target AND horizon_days = :horizon_days
)

SELECT
    staged.as_of_date,
    staged.target,
    staged.horizon_days,
    staged.customer_id,
    staged.probability,
    staged.amount,
    cast(100 AS double precision) * (total.customers - ranked.as_high) / total.customers AS percentile,
    CASE
        WHEN ranked.place <= mod(total.customers, 10) * (total.customers / 10 + 1)
            THEN (ranked.place - 1) / (total.customers / 10 + 1) + 1
        ELSE 10 - (total.customers - ranked.place) / (total.customers / 10)
    END AS decile,
    staged.reasons,
    staged.model_id
FROM models.score_staging AS staged
INNER JOIN ranked ON staged.customer_id = ranked.customer_id
CROSS JOIN total
WHERE
    staged.run_token = :run_token AND staged.as_of_date = :as_of
    AND staged.target = :target AND staged.horizon_days = :horizon_days
