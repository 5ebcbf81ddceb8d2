-- Sessions that began on :as_of, after some of their events, those of staff and bots apart; a visitor without a name is a customer
-- of their own, and one who logs in on the way is that customer at every moment. No semicolon: the statement is read as a subquery.
SELECT
    concat_ws('/', snapshot.source, snapshot.session_key, snapshot.after_events) AS row_id,
    snapshot.session_day AS as_of_date,
    coalesce(
        snapshot.customer_id,
        max(snapshot.customer_id) OVER (PARTITION BY snapshot.source, snapshot.session_key),
        snapshot.session_key
    ) AS customer_id,
    snapshot.after_events,
    snapshot.views,
    snapshot.carts,
    snapshot.cart_removals,
    snapshot.searches,
    snapshot.products,
    snapshot.price_last,
    snapshot.price_mean_seen,
    snapshot.price_max_seen,
    snapshot.cart_value,
    snapshot.duration_seconds,
    snapshot.seconds_since_last_event,
    snapshot.hour,
    snapshot.weekday,
    snapshot.country,
    snapshot.device,
    snapshot.channel,
    snapshot.category,
    cast(snapshot.is_known_customer AS integer) AS is_known_customer,
    snapshot.orders_90d,
    snapshot.revenue_90d,
    snapshot.days_since_purchase,
    snapshot.days_since_event,
    snapshot.sessions_28d,
    snapshot.views_28d,
    snapshot.carts_28d
FROM features.session_snapshot AS snapshot
WHERE snapshot.session_day = :as_of AND NOT snapshot.end_open AND snapshot.flagged IS NULL
