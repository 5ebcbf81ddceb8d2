-- What was published for each date: its rows beside what the status says, and whether the probabilities are probabilities.
SELECT
    status.as_of_date,
    status.customers,
    count(scores.customer_id) AS published,
    count(*) FILTER (WHERE scores.purchase_probability NOT BETWEEN 0 AND 1 OR scores.lapse_probability NOT BETWEEN 0 AND 1)
        AS no_probability,
    count(DISTINCT scores.purchase_probability) AS distinct_probabilities
FROM marketing.status AS status
LEFT JOIN marketing.customer_scores AS scores ON status.as_of_date = scores.as_of_date
WHERE status.as_of_date BETWEEN :first_date AND :last_date AND status.ready
GROUP BY status.as_of_date, status.customers
ORDER BY status.as_of_date
