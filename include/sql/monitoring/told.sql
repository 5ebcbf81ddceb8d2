-- The alerts of a kind raised aloud in the days before :as_of.
SELECT alerts.details
FROM monitoring.alerts AS alerts
WHERE
    alerts.kind = :kind AND NOT alerts.quiet
    AND alerts.as_of_date >= cast(:first_day AS date) AND alerts.as_of_date < cast(:as_of AS date)
