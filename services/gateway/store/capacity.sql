-- name: database_bytes
SELECT pg_database_size(current_database())

-- name: table_bytes
-- With indexes and large values; a table that is being dropped has no size.
SELECT format('%s.%s', n.nspname, c.relname) AS name, pg_total_relation_size(c.oid) AS bytes
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
    AND n.nspname IN ('accounts', 'analytics', 'bus', 'commerce', 'intake', 'pacing')
    AND pg_total_relation_size(c.oid) IS NOT NULL
