-- The rollup's rows with an order in the 90 days before :as_of.
SELECT
    daily.customer_id,
    daily.event_day,
    daily.top_category,
    daily.top_category_lines,
    daily.purchase_hours
FROM features.customer_day AS daily
WHERE
    daily.event_day >= :as_of - 90 AND daily.event_day < :as_of AND daily.batch_date < :as_of
    AND (daily.superseded_on IS NULL OR daily.superseded_on >= :as_of)
    AND daily.orders > 0
