-- The alerts of :as_of that were raised aloud and not mailed.
SELECT
    alerts.alert_id,
    alerts.kind,
    alerts.subject,
    alerts.body,
    alerts.details
FROM monitoring.alerts AS alerts
WHERE alerts.as_of_date = cast(:as_of AS date) AND NOT alerts.quiet AND alerts.mailed_at IS NULL
ORDER BY array_position(ARRAY['performance', 'errors', 'drift'], alerts.kind)
