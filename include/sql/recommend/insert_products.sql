-- Each customer's own products, of those who may be contacted: every day of purchase counts 0.5 ^ (its age / half-life), the best first.
-- Scores are rounded, so that the order in which PostgreSQL adds them up changes neither score nor rank.
INSERT INTO marketing.product_recommendations (as_of_date, customer_id, rank, product_id, score, reason)
WITH purchase_days AS (
    SELECT
        events.customer_id,
        events.product_id,
        cast(:as_of AS date) - events.event_day AS days_ago
    FROM raw.events AS events
    WHERE
        events.event_day >= cast(:first_day AS date) AND events.event_day < cast(:as_of AS date)
        AND events.batch_date < cast(:as_of AS date)
        AND (events.superseded_on IS NULL OR events.superseded_on >= cast(:as_of AS date))
        AND events.event_type = 'purchase' AND events.customer_id IS NOT NULL AND events.product_id IS NOT NULL
    GROUP BY events.customer_id, events.product_id, events.event_day
),

scored AS (
    SELECT
        days.customer_id,
        days.product_id,
        count(*) AS times,
        min(days.days_ago) AS last_days_ago,
        round(cast(sum(power(0.5::double precision, days.days_ago / cast(:half_life_days AS double precision))) AS numeric), 9)
            AS score
    FROM purchase_days AS days
    GROUP BY days.customer_id, days.product_id
),

ranked AS (
    SELECT
        scored.*,
        row_number() OVER (
            PARTITION BY scored.customer_id
            ORDER BY scored.score DESC, scored.last_days_ago ASC, scored.product_id COLLATE "C" ASC
        ) AS rank
    FROM scored
)

SELECT
    cast(:as_of AS date) AS as_of_date,
    ranked.customer_id,
    ranked.rank,
    ranked.product_id,
    ranked.score,
    CASE WHEN ranked.times = 1 THEN 'bought once, ' ELSE 'bought ' || ranked.times || ' times, last ' END
    || ranked.last_days_ago || CASE WHEN ranked.last_days_ago = 1 THEN ' day ago' ELSE ' days ago' END AS reason
FROM ranked
LEFT JOIN raw.consents_at(cast(:as_of AS date)) AS consents ON ranked.customer_id = consents.customer_id
WHERE ranked.rank <= :products AND raw.suppression_reason(consents.consent, consents.unreadable, :unknown) IS NULL
