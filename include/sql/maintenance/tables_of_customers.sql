-- Every table of the platform with a row per something of a customer, quoted; partitions go with their parents.
SELECT format('%I.%I', spaces.nspname, tables.relname) AS name
FROM pg_attribute AS columns
INNER JOIN pg_class AS tables ON columns.attrelid = tables.oid
INNER JOIN pg_namespace AS spaces ON tables.relnamespace = spaces.oid
WHERE
    columns.attname = 'customer_id' AND NOT columns.attisdropped
    AND spaces.nspname IN ('raw', 'features', 'models', 'marketing', 'monitoring')
    AND tables.relkind IN ('r', 'p') AND NOT tables.relispartition
ORDER BY spaces.nspname, tables.relname
