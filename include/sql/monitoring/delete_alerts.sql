-- The alerts of :as_of that no longer hold; one that was mailed stays, since it was read.
DELETE FROM monitoring.alerts
WHERE as_of_date = cast(:as_of AS date) AND mailed_at IS NULL AND kind <> all(cast(:kinds AS text[]))
