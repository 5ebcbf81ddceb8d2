-- The first event day that batches before :as_of tell of; NULL: none.
SELECT min(rollup.event_day) AS first_event_day
FROM features.customer_day AS rollup
WHERE rollup.batch_date < :as_of
