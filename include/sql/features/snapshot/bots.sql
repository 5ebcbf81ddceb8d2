-- The customers with more events or orders on a day of the 90 before :as_of than shop.yaml allows a person. Few have as many in all,
-- which windows says, so that few are looked at day by day.
SELECT DISTINCT busy_days.customer_id
FROM (
    SELECT daily.customer_id
    FROM features.customer_day AS daily
    INNER JOIN (
        SELECT windows.window_customer
        FROM windows
        WHERE windows.events_90d > :max_events OR windows.orders_90d > :max_orders
    ) AS busy ON daily.customer_id = busy.window_customer
    WHERE
        daily.event_day >= :as_of - 90 AND daily.event_day < :as_of AND daily.batch_date < :as_of
        AND (daily.superseded_on IS NULL OR daily.superseded_on >= :as_of)
    GROUP BY daily.customer_id, daily.event_day
    HAVING sum(daily.events) > :max_events OR sum(daily.orders) > :max_orders
) AS busy_days
