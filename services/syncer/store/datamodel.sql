-- name: tables
-- Every table with its comment and the columns of its key, schema by schema.
SELECT n.nspname AS schema, c.relname AS name, obj_description(c.oid, 'pg_class') AS comment,
    ARRAY(
        SELECT a.attname::text FROM pg_index i
        JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place) ON true
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE i.indrelid = c.oid AND i.indisprimary ORDER BY k.place
    ) AS key
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('commerce', 'analytics')
ORDER BY n.nspname, c.relname

-- name: columns
SELECT n.nspname AS schema, c.relname AS owner, a.attname AS name, a.attnotnull AS required,
    format_type(a.atttypid, a.atttypmod) AS type, col_description(c.oid, a.attnum) AS comment
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('commerce', 'analytics')
ORDER BY n.nspname, c.relname, a.attnum
