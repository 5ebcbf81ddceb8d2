-- The date's alert of a kind. Done again it keeps its number, whether it was mailed, and that it was raised aloud.
INSERT INTO monitoring.alerts (as_of_date, kind, subject, body, details, quiet)
VALUES (cast(:as_of AS date), :kind, :subject, :body, cast(:details AS jsonb), :quiet)
ON CONFLICT (as_of_date, kind) DO UPDATE SET
    subject = excluded.subject,
    body = excluded.body,
    details = excluded.details,
    quiet = alerts.quiet AND excluded.quiet
