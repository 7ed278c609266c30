-- What the tables of 0013 mean; see 0012.

COMMENT ON TABLE commerce.verifications IS 'Proofs that the copy equals Shopify: one run each.';
COMMENT ON TABLE commerce.verification_differences IS 'What a verification found different.';
COMMENT ON TABLE commerce.verification_seen IS 'Objects that a running verification has met at Shopify.';

DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.relname AS named, a.attname AS part, m.meaning
        FROM (VALUES
            ('', 'tenant_id', 'owner of the row; row level security compares it with the session'),
            ('', 'shop_id', 'store, our own number'),
            ('', 'job_id', 'sync job'),
            ('', 'started_at', 'when it began; null before'),
            ('', 'finished_at', 'when it ended; null before'),
            ('verifications', 'resource', 'resource'),
            ('verifications', 'mode', 'verify (everything) or sample'),
            ('verifications', 'repair', 'whether what differs is also written'),
            ('verifications', 'settled_until', 'changes after this were not looked for'),
            ('verifications', 'ours', 'objects here; null before the end'),
            ('verifications', 'theirs', 'objects at Shopify; null before the end'),
            ('verifications', 'compared', 'objects compared'),
            ('verifications', 'pending', 'objects that changed meanwhile'),
            ('verifications', 'differences', 'objects that differ'),
            ('verifications', 'repaired', 'objects repaired'),
            ('verification_differences', 'id', 'Shopify id'),
            ('verification_differences', 'what', 'missing_here, deleted_here, differs, missing_there, unreadable or pending'),
            ('verification_differences', 'columns', 'columns that differ'),
            ('verification_differences', 'details', 'jsonb list of {column, ours, theirs}, shortened'),
            ('verification_differences', 'ours_hash', 'SHA-256 of our side; null where there is none'),
            ('verification_differences', 'theirs_hash', 'SHA-256 of their side; null where there is none'),
            ('verification_differences', 'found_at', 'when'),
            ('verification_differences', 'repaired_at', 'null until repaired'),
            ('verification_seen', 'part_no', 'part'),
            ('verification_seen', 'absent', 'whether Shopify did not have them'),
            ('verification_seen', 'ids', 'Shopify ids')
        ) AS m (owner, part, meaning)
        JOIN pg_attribute a ON a.attname = m.part AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'commerce'
        WHERE m.owner IN ('', c.relname) AND (m.owner <> '' OR col_description(c.oid, a.attnum) IS NULL)
        ORDER BY m.owner
    LOOP
        EXECUTE format('COMMENT ON COLUMN commerce.%I.%I IS %L', found.named, found.part, found.meaning);
    END LOOP;
END
$$;

COMMENT ON COLUMN commerce.sync_jobs.repair IS 'whether a verification also writes what differs';
