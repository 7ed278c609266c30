-- The order in which wishes are answered: live changes first, what a backfill left last.
CREATE INDEX refetches_next ON commerce.refetches
    (tenant_id, shop_id, kind, (reason = 'refunds'), attempts, not_before, id);
