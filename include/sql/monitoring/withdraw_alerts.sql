-- Removes the alerts of :as_of that no longer hold; one that was mailed stays, since it was read. Returns how many.
SELECT monitoring.withdraw_alerts(cast(:as_of AS date), cast(:kinds AS text[])) AS rows
