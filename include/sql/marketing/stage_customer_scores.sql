-- One row per customer scored for :as_of, with everything marketing needs. No NOT NULL here: the checks say what is
-- missing, in words.
CREATE TEMPORARY TABLE staged_customer_scores ON COMMIT DROP AS
WITH scored AS (
    SELECT * FROM models.scores
    WHERE as_of_date = cast(:as_of AS date) AND target = :target AND horizon_days = :horizon_days
),

lapse AS (
    SELECT
        customer_id,
        probability
    FROM models.scores
    WHERE as_of_date = cast(:as_of AS date) AND target = :lapse_target AND horizon_days = cast(:lapse_days AS integer)
),

spending AS (
    SELECT
        customer_id,
        amount
    FROM models.scores
    WHERE as_of_date = cast(:as_of AS date) AND target = :value_target AND horizon_days = cast(:value_days AS integer)
),

snapshot AS (
    SELECT * FROM features.customer_snapshot
    WHERE as_of_date = cast(:as_of AS date)
),

actions AS (
    SELECT * FROM marketing.action_recommendations
    WHERE as_of_date = cast(:as_of AS date)
),

products AS (
    SELECT
        customer_id,
        array_agg(product_id ORDER BY rank) AS products
    FROM marketing.product_recommendations
    WHERE as_of_date = cast(:as_of AS date) AND rank <= :products
    GROUP BY customer_id
),

-- Consent as it was known when the day before :as_of ended.
consents AS (
    SELECT
        scored.customer_id,
        said.consent,
        raw.suppression_reason(said.consent, said.unreadable, :unknown) AS suppressed_reason
    FROM scored
    LEFT JOIN raw.consents_at(cast(:as_of AS date)) AS said ON scored.customer_id = said.customer_id
),

prices AS (
    SELECT
        events.customer_id,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY events.price) AS price_point
    FROM raw.events AS events
    WHERE
        events.event_day >= cast(:prices_from AS date) AND events.event_day < cast(:as_of AS date)
        AND events.batch_date < cast(:as_of AS date)
        AND (events.superseded_on IS NULL OR events.superseded_on >= cast(:as_of AS date))
        AND events.event_type = 'purchase' AND events.customer_id IS NOT NULL AND events.price IS NOT NULL
    GROUP BY events.customer_id
)

SELECT
    scored.customer_id,
    scored.as_of_date,
    scored.horizon_days,
    scored.probability AS purchase_probability,
    scored.percentile,
    scored.decile,
    CASE WHEN scored.decile <= 2 THEN 'high' WHEN scored.decile <= 6 THEN 'medium' ELSE 'low' END AS tier,
    lapse.probability AS lapse_probability,
    coalesce(spending.amount, scored.probability * snapshot.order_value_90d) AS expected_value,
    array(
        SELECT reason.content ->> 'words'
        FROM jsonb_array_elements(scored.reasons) WITH ORDINALITY AS reason (content, position)
        ORDER BY reason.position
        LIMIT 3
    ) AS reasons,
    CASE WHEN consents.suppressed_reason IS NULL AND products.products IS NOT NULL THEN products.products ELSE '{}' END
        AS recommended_products,
    CASE WHEN consents.suppressed_reason IS NOT NULL OR actions.holdout THEN 'none' ELSE actions.action END
        AS recommended_action,
    CASE
        WHEN consents.suppressed_reason IS NOT NULL AND actions.reason IS NOT NULL THEN consents.suppressed_reason
        WHEN actions.holdout THEN 'held out to measure ' || actions.action || ': ' || actions.reason
        ELSE actions.reason
    END AS action_reason,
    snapshot.best_hour,
    snapshot.best_weekday,
    prices.price_point,
    -- Who buys how lately and how often; the first that holds. Explained in docs/marketing.md.
    CASE
        WHEN snapshot.customer_id IS NULL THEN NULL
        WHEN snapshot.tenure_days <= 28 THEN 'new'
        WHEN snapshot.days_since_purchase IS NULL OR snapshot.days_since_purchase > 90 THEN 'lost'
        WHEN snapshot.days_since_purchase > greatest(14, 2 * snapshot.gap_mean_days) THEN 'slipping'
        WHEN snapshot.purchase_days_28d >= 4 THEN 'regular'
        ELSE 'occasional'
    END AS segment,
    unreliable.customer_id IS NULL AS reliable,
    unreliable.reason AS unreliable_reason,
    consents.consent,
    consents.suppressed_reason,
    CASE WHEN consents.suppressed_reason IS NULL AND actions.holdout THEN ARRAY[actions.action] ELSE cast('{}' AS text[]) END
        AS holdout_actions,
    scored.model_id AS model_version
FROM scored
LEFT JOIN snapshot ON scored.customer_id = snapshot.customer_id
LEFT JOIN lapse ON scored.customer_id = lapse.customer_id
LEFT JOIN spending ON scored.customer_id = spending.customer_id
LEFT JOIN actions ON scored.customer_id = actions.customer_id
LEFT JOIN products ON scored.customer_id = products.customer_id
LEFT JOIN prices ON scored.customer_id = prices.customer_id
INNER JOIN consents ON scored.customer_id = consents.customer_id
LEFT JOIN staged_unreliable AS unreliable ON scored.customer_id = unreliable.customer_id
