-- The rows that the tables hold for a source, to set against its ledger.
WITH kinds AS (
    SELECT 'accepted' AS kind
    FROM raw.events AS events
    WHERE events.source = :source
    UNION ALL
    SELECT 'rejected' AS kind
    FROM raw.rejected_events AS refused
    WHERE refused.source = :source
    UNION ALL
    SELECT 'duplicate' AS kind
    FROM raw.duplicate_events AS doubles
    WHERE doubles.source = :source
)

SELECT
    count(*) FILTER (WHERE kinds.kind = 'accepted') AS accepted,
    count(*) FILTER (WHERE kinds.kind = 'rejected') AS rejected,
    count(*) FILTER (WHERE kinds.kind = 'duplicate') AS duplicate
FROM kinds
