-- What every customer did before :before, as batches before :known_until tell it: the sums of the checkpoint (NULL: none) and the
-- days since. A checkpoint's days are complete, so that no day is in both.
WITH earlier AS (
    SELECT
        checkpoint.customer_id,
        checkpoint.first_event_day,
        checkpoint.last_event_day,
        checkpoint.last_view_day,
        checkpoint.last_cart_day,
        checkpoint.first_purchase_day,
        checkpoint.last_purchase_day,
        checkpoint.purchase_days,
        checkpoint.gap_squares,
        checkpoint.orders,
        checkpoint.revenue
    FROM features.customer_checkpoint AS checkpoint
    WHERE checkpoint.checkpoint_date = cast(:checkpoint AS date)
),

days AS (
    SELECT
        daily.customer_id,
        daily.event_day,
        bool_or(daily.views > 0) AS viewed,
        bool_or(daily.carts > 0) AS carted,
        bool_or(daily.orders > 0) AS bought,
        sum(daily.orders) AS orders,
        sum(daily.revenue) AS revenue
    FROM features.customer_day AS daily
    WHERE
        (cast(:checkpoint AS date) IS NULL OR daily.event_day >= cast(:checkpoint AS date))
        AND daily.event_day < :before
        AND daily.batch_date < :known_until
        AND (daily.superseded_on IS NULL OR daily.superseded_on >= :known_until)
    GROUP BY daily.customer_id, daily.event_day
),

sums AS (
    SELECT
        days.customer_id,
        min(days.event_day) AS first_event_day,
        max(days.event_day) AS last_event_day,
        max(days.event_day) FILTER (WHERE days.viewed) AS last_view_day,
        max(days.event_day) FILTER (WHERE days.carted) AS last_cart_day,
        sum(days.orders) AS orders,
        sum(days.revenue) AS revenue
    FROM days
    GROUP BY days.customer_id
),

purchases AS (
    SELECT
        steps.customer_id,
        min(steps.event_day) AS first_purchase_day,
        max(steps.event_day) AS last_purchase_day,
        count(*) AS purchase_days,
        sum(steps.gap * steps.gap) AS gap_squares
    FROM (
        SELECT
            days.customer_id,
            days.event_day,
            days.event_day - coalesce(
                lag(days.event_day) OVER (PARTITION BY days.customer_id ORDER BY days.event_day),
                earlier.last_purchase_day
            ) AS gap
        FROM days
        LEFT JOIN earlier ON days.customer_id = earlier.customer_id
        WHERE days.bought
    ) AS steps
    GROUP BY steps.customer_id
)

SELECT
    coalesce(earlier.customer_id, sums.customer_id) AS customer_id,
    least(earlier.first_event_day, sums.first_event_day) AS first_event_day,
    greatest(earlier.last_event_day, sums.last_event_day) AS last_event_day,
    greatest(earlier.last_view_day, sums.last_view_day) AS last_view_day,
    greatest(earlier.last_cart_day, sums.last_cart_day) AS last_cart_day,
    least(earlier.first_purchase_day, purchases.first_purchase_day) AS first_purchase_day,
    greatest(earlier.last_purchase_day, purchases.last_purchase_day) AS last_purchase_day,
    coalesce(earlier.purchase_days, 0) + coalesce(purchases.purchase_days, 0) AS purchase_days,
    coalesce(earlier.gap_squares, 0) + coalesce(purchases.gap_squares, 0) AS gap_squares,
    coalesce(earlier.orders, 0) + coalesce(sums.orders, 0) AS orders,
    round((coalesce(earlier.revenue, 0) + coalesce(sums.revenue, 0)) * 10000) / 10000 AS revenue
FROM earlier
FULL JOIN sums ON earlier.customer_id = sums.customer_id
LEFT JOIN purchases ON sums.customer_id = purchases.customer_id
