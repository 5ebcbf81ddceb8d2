-- The first customers of the newest morning, as marketing reads them.
SELECT
    scores.customer_id,
    scores.as_of_date,
    round(scores.purchase_probability::numeric, 3) AS buys_in_7d,
    scores.decile,
    scores.tier,
    round(scores.lapse_probability::numeric, 3) AS lapses,
    round(scores.expected_value::numeric, 2) AS value,
    scores.recommended_action AS action,
    array_to_string(scores.recommended_products[1:2], ' ') AS products,
    scores.reasons[1] AS first_reason
FROM marketing.customer_scores_latest AS scores
ORDER BY scores.purchase_probability DESC, scores.customer_id ASC
LIMIT 8
