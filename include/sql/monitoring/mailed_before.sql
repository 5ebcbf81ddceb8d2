-- The alerts of a kind that were mailed in the days before :as_of.
SELECT
    alerts.as_of_date,
    alerts.details
FROM monitoring.alerts AS alerts
WHERE
    alerts.kind = :kind AND alerts.mailed_at IS NOT NULL
    AND alerts.as_of_date >= cast(:first_day AS date) AND alerts.as_of_date < cast(:as_of AS date)
