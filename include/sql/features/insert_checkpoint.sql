INSERT INTO features.customer_checkpoint (
    checkpoint_date, customer_id, first_event_day, last_event_day, last_view_day, last_cart_day, first_purchase_day,
    last_purchase_day, purchase_days, gap_squares, orders, revenue
)
SELECT
    cast(:checkpoint_date AS date) AS checkpoint_date,
    lifetime.customer_id,
    lifetime.first_event_day,
    lifetime.last_event_day,
    lifetime.last_view_day,
    lifetime.last_cart_day,
    lifetime.first_purchase_day,
    lifetime.last_purchase_day,
    lifetime.purchase_days,
    lifetime.gap_squares,
    lifetime.orders,
    lifetime.revenue
FROM lifetime
ORDER BY lifetime.customer_id
