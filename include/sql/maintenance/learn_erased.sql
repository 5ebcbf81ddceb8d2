-- Notes hashes of an erased person's names, or of visits; one noted before stays as it is.
INSERT INTO raw.erased_customers (hash, kind)
SELECT
    unnest(cast(:digests AS text[])) AS hash,
    :kind AS kind
ON CONFLICT (hash) DO NOTHING
