-- The hour at which most orders began in the 90 days before :as_of, the earliest of equals, from the temporary table purchases: the
-- remainder of the greatest `orders * 24 + 23 - hour` says which.
SELECT
    begun.customer_id,
    23 - mod(max(begun.orders * 24 + 23 - begun.start_hour), 24) AS best_hour
FROM (
    SELECT
        purchases.customer_id,
        starts.start_hour,
        count(*)::integer AS orders
    FROM purchases
    CROSS JOIN LATERAL unnest(purchases.purchase_hours) AS starts (start_hour)
    GROUP BY purchases.customer_id, starts.start_hour
) AS begun
GROUP BY begun.customer_id
