-- The one row that says what an unknown consent means now.
INSERT INTO raw.consent_rule (one, unknown, why, set_at)
VALUES (TRUE, :unknown, :why, clock_timestamp())
ON CONFLICT (one) DO UPDATE SET unknown = excluded.unknown, why = excluded.why, set_at = excluded.set_at
