-- Batches that :sources lack in the ledger, from :first (NULL: from each source's own first batch) to :last, the earliest first.
-- Days before a source's first batch are not asked for; of a source without any batch, :last is.
WITH active AS (
    SELECT
        active.source,
        coalesce(min(ledger.batch_date), :last) AS first_batch
    FROM unnest(cast(:sources AS text[])) AS active (source)
    LEFT JOIN raw.ingest_batches AS ledger ON active.source = ledger.source
    GROUP BY active.source
)

SELECT
    active.source,
    cast(days.day AS date) AS batch_date
FROM active
CROSS JOIN
    LATERAL generate_series(
        cast(greatest(active.first_batch, cast(:first AS date)) AS timestamp), cast(:last AS timestamp), interval '1 day'
    ) AS days (day)
LEFT JOIN raw.ingest_batches AS ledger ON active.source = ledger.source AND cast(days.day AS date) = ledger.batch_date
WHERE ledger.source IS NULL
ORDER BY batch_date, source
