-- The labelled customers of `population` at :as_of, counted by label.
SELECT
    outcome.label,
    count(*) AS total
FROM population
INNER JOIN outcome USING (customer_id)
GROUP BY outcome.label
