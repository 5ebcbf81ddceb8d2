-- The customers whom the target is asked of, with what came true. No semicolon: the statement is read as a subquery.
SELECT
    customer_id AS row_id,
    outcome.label
FROM population
INNER JOIN outcome USING (customer_id)
