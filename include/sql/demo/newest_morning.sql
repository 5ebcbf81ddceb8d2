-- The morning that marketing reads, and how many customers it has.
SELECT
    max(scores.as_of_date) AS as_of_date,
    count(*) AS customers
FROM marketing.customer_scores_latest AS scores
