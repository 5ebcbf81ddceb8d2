-- Staged scores of one target become models.scores, ranked over all customers.
INSERT INTO models.scores (
    as_of_date, target, horizon_days, customer_id, probability, percentile, decile, reasons, model_id
)
SELECT
    staged.as_of_date,
    staged.target,
    staged.horizon_days,
    staged.customer_id,
    staged.probability,
    100.0 * (rank() OVER (ORDER BY staged.probability) - 1) / count(*) OVER () AS percentile,
    ntile(10) OVER (ORDER BY staged.probability DESC, staged.customer_id COLLATE "C") AS decile,
    staged.reasons,
    staged.model_id
FROM models.score_staging AS staged
WHERE
    staged.run_token = :run_token AND staged.as_of_date = :as_of
    AND staged.target = :target AND staged.horizon_days = :horizon_days
ORDER BY staged.customer_id COLLATE "C";
