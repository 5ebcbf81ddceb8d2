-- The first day with an event, as known at :as_of.
SELECT min(rollup.event_day) AS first_event_day
FROM features.customer_day AS rollup
WHERE rollup.event_day < :as_of AND rollup.batch_date < :as_of;
