-- How the objects of one kind are written: {table} and its children. Every statement works on what
-- was copied into staged_{table}, sorted by key. The words in braces are filled in from
-- shared/tables.py by statements.py; `python -m services.syncer.store.statements orders` prints them.
-- name: stage
CREATE TEMP TABLE staged_{table} (
    LIKE commerce.{table} INCLUDING DEFAULTS INCLUDING STORAGE, partial boolean, present integer
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE accepted_{table} (
    tenant_id uuid, shop_id bigint, {typed_ids}, inserted boolean, present integer
) ON COMMIT DELETE ROWS

-- name: stage_child
CREATE TEMP TABLE staged_{child} (LIKE commerce.{child}, extra boolean) ON COMMIT DELETE ROWS

-- name: news
-- The objects that plain COPY may write: they are neither stored nor deleted, and the role is there.
-- Objects that arrive meanwhile are found by the primary key. The next key from each one on is
-- asked for, in order: only the primary key gives that cheaply. On tables without statistics the
-- planner takes any index for an equality, and reads all of it for every object.
SELECT s.tenant_id::text AS tenant_id, s.shop_id, ARRAY[{s_ids}] AS key
FROM unnest($1::uuid[], $2::bigint[], {id_arrays}) AS s ({key})
WHERE (
    SELECT rolbypassrls AND pg_has_role(session_user, oid, 'MEMBER')
    FROM pg_roles WHERE rolname = 'tillstream_loader'
) AND {is_dead} IS NULL AND (
    SELECT ({t_ids}) = ({s_ids}) FROM commerce.{table} t
    WHERE t.tenant_id = s.tenant_id AND t.shop_id = s.shop_id AND ({t_ids}) >= ({s_ids})
    ORDER BY {t_ids} LIMIT 1
) IS NOT TRUE

-- name: upsert
-- What is older than the stored state changes nothing; what was deleted stays deleted.
WITH written AS (
    INSERT INTO commerce.{table} AS t ({columns})
    SELECT {columns} FROM staged_{table} s
    WHERE {is_whole} AND {is_dead} IS NULL
    ON CONFLICT ({key}) DO UPDATE SET {assign}, synced_at = now(), deleted_at = {revived}
    WHERE {unless_same}(t.updated_at < excluded.updated_at OR t.updated_at = excluded.updated_at AND (
        excluded.source = 'refetch'
        OR array_position('{{webhook,bulk,poll,refetch}}'::text[], excluded.source)
            > array_position('{{webhook,bulk,poll,refetch}}'::text[], t.source)
        OR excluded.source = t.source AND t.source <> 'webhook'
            AND ({t_content}) IS DISTINCT FROM ({new_content})
    ))
    RETURNING {t_key}, t.xmax = 0 AS inserted
){marked}, kept AS (
    INSERT INTO accepted_{table}
    SELECT {w_key}, w.inserted, s.present FROM written w JOIN staged_{table} s USING ({key})
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) AS accepted,
    array_agg(ARRAY[shop_id, {ids}]) FILTER (WHERE inserted) AS inserted_ids
FROM written

-- name: upsert_partial
-- What an incomplete payload does not say keeps its stored value.
WITH written AS (
    INSERT INTO commerce.{table} AS t ({columns})
    SELECT {columns} FROM staged_{table} s
    WHERE s.partial AND {is_dead} IS NULL
    ON CONFLICT ({key}) DO UPDATE SET {assign_known}, synced_at = now(), deleted_at = {revived}
    WHERE t.updated_at < excluded.updated_at OR t.updated_at = excluded.updated_at AND (
        excluded.source = 'refetch'
        OR array_position('{{webhook,bulk,poll,refetch}}'::text[], excluded.source)
            > array_position('{{webhook,bulk,poll,refetch}}'::text[], t.source)
        OR excluded.source = t.source AND t.source <> 'webhook'
            AND ({t_content}) IS DISTINCT FROM ({known_content})
    )
    RETURNING {t_key}, t.xmax = 0 AS inserted
){marked}, kept AS (
    INSERT INTO accepted_{table}
    SELECT {w_key}, w.inserted, s.present FROM written w JOIN staged_{table} s USING ({key})
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) AS accepted,
    array_agg(ARRAY[shop_id, {ids}]) FILTER (WHERE inserted) AS inserted_ids
FROM written

-- name: refused
SELECT s.tenant_id::text AS tenant_id, s.shop_id, ARRAY[{s_ids}] AS key,
    CASE
        WHEN t.tenant_id IS NULL OR t.deleted_at IS NOT NULL THEN 'deleted'
        WHEN t.updated_at > s.updated_at THEN 'stale'
        WHEN CASE WHEN {is_partial}
            THEN ({staged_known}) IS NOT DISTINCT FROM ({t_content})
            ELSE ({s_content}) IS NOT DISTINCT FROM ({t_content})
        END THEN 'equal'
        ELSE 'conflict'
    END AS verdict
FROM staged_{table} s
LEFT JOIN commerce.{table} t USING ({key})
WHERE NOT EXISTS (SELECT FROM accepted_{table} a WHERE ({a_key}) = ({s_key}))

-- name: seen
-- A bulk export that changes nothing still proves that the object exists.
UPDATE commerce.{table} t SET synced_at = now()
FROM staged_{table} s
WHERE ({t_key}) = ({s_key}) AND s.source = 'bulk' AND t.synced_at < now()

-- name: changed
-- Some children change while their parent's updated_at stays, as a line's product_id when the product
-- is deleted: objects that were refused only because nothing of their own is new, but whose {child}
-- differ. A webhook may be late and tells this only of what nothing else tells at once.
WITH same AS (
    SELECT {s_key} FROM staged_{table} s JOIN commerce.{table} t USING ({key})
    WHERE s.present & {bit} <> 0 AND {timely} AND t.updated_at = s.updated_at
        AND t.deleted_at IS NULL AND NOT EXISTS (
            SELECT FROM accepted_{table} a WHERE ({a_key}) = ({s_key}) AND a.present & {bit} <> 0
        )
), written AS (
    INSERT INTO accepted_{table}
    SELECT {w_key}, false, {bit} FROM (
        SELECT {key} FROM same JOIN staged_{child} s USING ({key})
        LEFT JOIN commerce.{child} t USING ({child_key})
        WHERE NOT s.extra
            AND (t.tenant_id IS NULL OR ({child_s_content}) IS DISTINCT FROM ({child_t_content}))
        UNION
        SELECT {key} FROM same JOIN commerce.{child} t USING ({key})
        WHERE NOT EXISTS (
            SELECT FROM staged_{child} s WHERE NOT s.extra AND ({child_s_key}) = ({child_t_key})
        )
    ) AS w
    RETURNING {key}
){marked}
SELECT count(*) FROM written

-- name: delete
UPDATE commerce.{table} t SET deleted_at = d.at
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS d ({key}, at)
WHERE ({t_key}) = ({d_key}) AND (t.deleted_at IS NULL OR t.deleted_at > d.at)

-- name: delete_order
-- What hangs on an order goes with it, and its sales must be computed anew.
WITH details AS (
    UPDATE commerce.order_details t SET deleted_at = d.at
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS d ({key}, at)
    WHERE ({t_key}) = ({d_key}) AND (t.deleted_at IS NULL OR t.deleted_at > d.at)
), handling AS (
    UPDATE commerce.fulfillment_orders t SET deleted_at = d.at
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS d ({key}, at)
    WHERE ({t_key}) = ({d_key}) AND (t.deleted_at IS NULL OR t.deleted_at > d.at)
), gone AS (
    UPDATE commerce.{table} t SET deleted_at = d.at
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS d ({key}, at)
    WHERE ({t_key}) = ({d_key}) AND (t.deleted_at IS NULL OR t.deleted_at > d.at)
    RETURNING {t_key}
)
INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id) SELECT {key} FROM gone

-- name: delete_item
-- Nothing is stocked of an item that is gone.
WITH emptied AS (
    UPDATE commerce.inventory_levels t SET deleted_at = d.at
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS d ({key}, at)
    WHERE ({t_key}) = ({d_key}) AND t.deleted_at IS NULL AND t.updated_at <= d.at
)
UPDATE commerce.{table} t SET deleted_at = d.at
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS d ({key}, at)
WHERE ({t_key}) = ({d_key}) AND (t.deleted_at IS NULL OR t.deleted_at > d.at)

-- name: delete_pair
-- A disconnect may arrive before the level itself: the row then waits, deleted, for older facts.
INSERT INTO commerce.{table} AS t ({key}, active, updated_at, source, deleted_at)
SELECT {d_key}, false, to_timestamp(0), 'webhook', d.at
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[]) AS d ({key}, at)
ON CONFLICT ({key}) DO UPDATE SET deleted_at = excluded.deleted_at, synced_at = now()
WHERE excluded.deleted_at >= t.updated_at
    AND (t.deleted_at IS NULL OR t.deleted_at < excluded.deleted_at)

-- name: trim
DELETE FROM commerce.{child} t USING accepted_{table} a
WHERE NOT a.inserted AND a.present & {bit} <> 0 AND ({t_key}) = ({a_key})
    AND NOT EXISTS (
        SELECT FROM staged_{child} s WHERE NOT s.extra AND ({child_s_key}) = ({child_t_key})
    )

-- name: fill
INSERT INTO commerce.{child} AS t ({child_columns})
SELECT {child_columns} FROM staged_{child} s
WHERE NOT s.extra AND EXISTS (
    SELECT FROM accepted_{table} a WHERE ({a_key}) = ({s_key}) AND a.present & {bit} <> 0
)
ON CONFLICT ({child_key}) DO UPDATE SET {child_assign}
WHERE ({child_t_content}) IS DISTINCT FROM ({child_new_content})

-- name: add
-- Single rows that join the stored set; returns the parents of those that replaced another row.
WITH written AS (
    INSERT INTO commerce.{child} AS t ({child_columns})
    SELECT {child_columns} FROM staged_{child} s WHERE s.extra
    ON CONFLICT ({child_key}) DO UPDATE SET {child_assign}
    WHERE ({child_t_content}) IS DISTINCT FROM ({child_new_content})
    RETURNING {t_key}, t.xmax = 0 AS inserted
){marked_once}
SELECT DISTINCT tenant_id::text AS tenant_id, shop_id, {id} AS id FROM written WHERE NOT inserted

-- name: unseen
-- What a full sync that began at $3 did not meet.
SELECT {id} AS id FROM commerce.{table}
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL AND synced_at < $3 AND {id} > $4
ORDER BY {id} LIMIT $5

-- name: unless_same
-- Of kinds that carry the time of their reading: a later reading of the same is no change.
(t.deleted_at IS NOT NULL OR ({t_content}) IS DISTINCT FROM ({new_content}))

-- name: marked
, marked AS (
    INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id)
    SELECT tenant_id, shop_id, order_id FROM written
)

-- name: marked_once
, marked AS (
    INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id)
    SELECT DISTINCT tenant_id, shop_id, order_id FROM written
)

-- name: dead
(
        SELECT true FROM commerce.tombstones d
        WHERE d.tenant_id = s.tenant_id AND d.shop_id = s.shop_id
            AND d.kind = '{kind}' AND d.id = s.{id}
    )

-- name: level_revived
CASE WHEN t.deleted_at >= excluded.updated_at THEN t.deleted_at END
