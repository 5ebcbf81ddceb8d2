-- What each customer known at :as_of spends in the :horizon_days days from it on, less what they return in them, shop currency, as
-- known at :known_at; never below 0.
-- No semicolon: the statement is read as a subquery.
SELECT
    snapshot.customer_id,
    coalesce(greatest(sum(later.revenue - later.returned_value), 0), 0) AS label
FROM features.customer_snapshot AS snapshot
LEFT JOIN features.customer_day AS later
    ON
        snapshot.customer_id = later.customer_id
        AND later.event_day >= :as_of AND later.event_day < cast(:as_of AS date) + cast(:horizon_days AS integer)
        AND later.event_day < :known_at AND later.batch_date < :known_at
        AND (later.superseded_on IS NULL OR later.superseded_on >= :known_at)
        AND (later.revenue > 0 OR later.returned_value > 0)
WHERE snapshot.as_of_date = :as_of
GROUP BY snapshot.customer_id
