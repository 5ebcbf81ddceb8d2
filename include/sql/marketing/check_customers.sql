-- Counts of what is wrong with the staged customers. NaN is above 1 for PostgreSQL, so it is caught as well.
SELECT
    count(*) AS staged,
    count(DISTINCT staged.customer_id) AS customers,
    count(*) FILTER (WHERE staged.purchase_probability IS NULL OR staged.purchase_probability NOT BETWEEN 0 AND 1)
        AS bad_purchase,
    count(*) FILTER (WHERE staged.lapse_probability NOT BETWEEN 0 AND 1) AS bad_lapse,
    count(*) FILTER (WHERE staged.segment IS NULL) AS no_snapshot,
    count(*) FILTER (WHERE staged.recommended_action IS NULL OR staged.action_reason IS NULL) AS no_action,
    count(*) FILTER (WHERE array_position(staged.reasons, NULL) IS NOT NULL) AS no_reason_words,
    count(*) FILTER (
        WHERE
        (staged.suppressed_reason IS NOT NULL OR NOT staged.consent)
        AND (staged.recommended_action != 'none' OR staged.recommended_products != '{}')
    ) AS pushed_without_consent,
    count(DISTINCT staged.model_version) AS models,
    count(*) FILTER (WHERE staged.model_version NOT IN (SELECT versions.model_id FROM models.model_versions AS versions))
        AS unknown_models,
    (
        SELECT count(*) FROM models.scores AS scores
        WHERE scores.as_of_date = cast(:as_of AS date) AND scores.target = :target AND scores.horizon_days = :horizon_days
    ) AS scored,
    (
        SELECT count(*) FROM marketing.action_recommendations AS actions
        WHERE actions.as_of_date = cast(:as_of AS date)
    ) AS action_rows,
    (
        SELECT count(*) FROM marketing.product_recommendations AS products
        WHERE products.as_of_date = cast(:as_of AS date)
    ) AS product_rows,
    exists(
        SELECT 1 FROM raw.events AS events
        LEFT JOIN raw.consents_at(cast(:as_of AS date)) AS consents ON events.customer_id = consents.customer_id
        WHERE
            events.event_day >= cast(:as_of AS date) - cast(:window_days AS integer)
            AND events.event_day < cast(:as_of AS date) AND events.batch_date < cast(:as_of AS date)
            AND (events.superseded_on IS NULL OR events.superseded_on >= cast(:as_of AS date))
            AND events.event_type = 'purchase' AND events.customer_id IS NOT NULL AND events.product_id IS NOT NULL
            AND raw.suppression_reason(consents.consent, consents.unreadable, :unknown) IS NULL
    ) AS products_known
FROM staged_customer_scores AS staged
