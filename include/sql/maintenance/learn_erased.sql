-- Notes hashes of an erased person's names, or of visits, given as a JSON array; one noted before stays as it is.
INSERT INTO raw.erased_customers (hash, kind)
SELECT
    noted.hash,
    :kind AS kind
FROM jsonb_array_elements_text(cast(:hashes AS jsonb)) AS noted (hash)
ON CONFLICT (hash) DO NOTHING
