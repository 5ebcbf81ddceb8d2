-- The partitions of a table, quoted, with the days they hold (`end` is the first day they do not) and their size, the oldest first.
SELECT
    format('%I.%I', spaces.nspname, parts.relname) AS name,
    cast(:parent AS text) AS parent,
    cast(substring(bounds.text FROM 'FROM \(''([0-9-]+)''\)') AS date) AS first,
    cast(substring(bounds.text FROM 'TO \(''([0-9-]+)''\)') AS date) AS "end",
    pg_total_relation_size(parts.oid) AS bytes
FROM pg_inherits AS inherits
INNER JOIN pg_class AS parts ON inherits.inhrelid = parts.oid
INNER JOIN pg_namespace AS spaces ON parts.relnamespace = spaces.oid
CROSS JOIN LATERAL pg_get_expr(parts.relpartbound, parts.oid) AS bounds (text)
WHERE inherits.inhparent = cast(:parent AS regclass)
ORDER BY first
