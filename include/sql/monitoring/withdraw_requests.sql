-- Removes the requests of :as_of that no training has answered; returns how many.
SELECT monitoring.withdraw_requests(cast(:as_of AS date)) AS rows
