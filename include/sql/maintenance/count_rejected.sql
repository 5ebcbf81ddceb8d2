-- How many rejected lines name a customer: `word` is a pattern for the id standing alone.
SELECT count(*) AS rows
FROM raw.rejected_events AS rejected
WHERE rejected.raw_text ~ :word OR rejected.detail ~ :word
