-- name: as_tenant
SELECT set_config('app.tenant_id', $1, false)

-- name: read
SELECT
    clock.now,
    coalesce(b.version, 0) AS version,
    b.maximum,
    b.restore_rate,
    b.level,
    extract(epoch FROM b.seen_at)::float8 AS seen_at,
    b.spent,
    b.slots,
    coalesce(extract(epoch FROM b.paused_until), 0)::float8 AS paused_until,
    b.answered,
    b.holds::text AS holds
FROM (SELECT extract(epoch FROM clock_timestamp())::float8 AS now) AS clock
LEFT JOIN pacing.buckets AS b ON b.tenant_id = $1 AND b.shop_id = $2

-- name: swap
WITH swapped AS (
    INSERT INTO pacing.buckets AS b (
        tenant_id, shop_id, version, maximum, restore_rate, level, seen_at, spent, slots,
        paused_until, answered, holds
    )
    VALUES (
        $1, $2, $3::bigint + 1, $4, $5, $6, to_timestamp($7::float8), $8, $9,
        to_timestamp($10::float8), $11, $12::text::jsonb
    )
    ON CONFLICT (tenant_id, shop_id) DO UPDATE SET
        version = excluded.version,
        maximum = excluded.maximum,
        restore_rate = excluded.restore_rate,
        level = excluded.level,
        seen_at = excluded.seen_at,
        spent = excluded.spent,
        slots = excluded.slots,
        paused_until = excluded.paused_until,
        answered = excluded.answered,
        holds = excluded.holds
    WHERE b.version = $3
    RETURNING b.tenant_id, b.shop_id
), used AS (
    INSERT INTO pacing.usage_daily AS u (
        tenant_id, shop_id, day, requests, interactive, points, throttled, errors
    )
    SELECT s.tenant_id, s.shop_id, (now() AT TIME ZONE 'UTC')::date, $13, $14, $15, $16, $17
    FROM swapped AS s
    WHERE $13::bigint > 0
    ON CONFLICT (tenant_id, shop_id, day) DO UPDATE SET
        requests = u.requests + excluded.requests,
        interactive = u.interactive + excluded.interactive,
        points = u.points + excluded.points,
        throttled = u.throttled + excluded.throttled,
        errors = u.errors + excluded.errors
)
SELECT EXISTS (SELECT FROM swapped)
