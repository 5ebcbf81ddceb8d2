-- 1 for each customer known at :as_of who buys in the :horizon_days days from it on, else 0, as known at :known_at.
-- No semicolon: the statement is read as a subquery.
SELECT
    snapshot.customer_id,
    cast(
        EXISTS (
            SELECT 1
            FROM features.customer_day AS later
            WHERE
                later.customer_id = snapshot.customer_id
                AND later.event_day >= :as_of AND later.event_day < cast(:as_of AS date) + cast(:horizon_days AS integer)
                AND later.event_day < :known_at AND later.batch_date < :known_at
                AND (later.superseded_on IS NULL OR later.superseded_on >= :known_at)
                AND later.orders > 0
        ) AS integer
    ) AS label
FROM features.customer_snapshot AS snapshot
WHERE snapshot.as_of_date = :as_of
