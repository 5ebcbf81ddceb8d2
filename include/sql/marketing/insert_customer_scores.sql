-- The checked rows become the date's rows.
INSERT INTO marketing.customer_scores (
    customer_id, as_of_date, horizon_days, purchase_probability, percentile, decile, tier, lapse_probability, expected_value,
    reasons, recommended_products, recommended_action, action_reason, best_hour, best_weekday, price_point, segment,
    reliable, unreliable_reason, consent, suppressed_reason, holdout_actions, model_version
)
SELECT
    customer_id,
    as_of_date,
    horizon_days,
    purchase_probability,
    percentile,
    decile,
    tier,
    lapse_probability,
    expected_value,
    reasons,
    recommended_products,
    recommended_action,
    action_reason,
    best_hour,
    best_weekday,
    price_point,
    segment,
    reliable,
    unreliable_reason,
    consent,
    suppressed_reason,
    holdout_actions,
    model_version
FROM staged_customer_scores
ORDER BY customer_id COLLATE "C"
