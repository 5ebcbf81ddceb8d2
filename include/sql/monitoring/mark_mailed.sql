-- The alerts' mail was handed over; the first time counts.
UPDATE monitoring.alerts
SET mailed_at = now()
WHERE as_of_date = cast(:as_of AS date) AND alert_id = any(:alert_ids) AND mailed_at IS NULL
