-- The rollup's rows with an order in the 90 days before :as_of.
CREATE TEMPORARY TABLE purchases ON COMMIT DROP AS
SELECT
    rollup.customer_id,
    rollup.event_day,
    rollup.top_category,
    rollup.top_category_lines,
    rollup.purchase_hours
FROM features.customer_day AS rollup
WHERE
    rollup.event_day >= :as_of - 90 AND rollup.event_day < :as_of AND rollup.batch_date < :as_of
    AND (rollup.superseded_on IS NULL OR rollup.superseded_on >= :as_of)
    AND rollup.orders > 0
