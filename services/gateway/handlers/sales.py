"""Sales: Shopify's figures per day, week, month or year."""

from __future__ import annotations

from services.gateway import figures
from services.gateway.connecting import named_store
from services.gateway.models import Sales, SalesBucket, SalesFigures, SalesQuery
from services.gateway.routing import Call, Reply
from services.gateway.store import analytics
from shared.postgres import POOL, tenant_transaction, translated


async def show_sales(call: Call[SalesQuery]) -> Reply:
    """Show sales by period and currency, with totals and freshness."""
    query = call.asked
    with translated():
        async with tenant_transaction(call.app[POOL], call.principal.tenant_id) as conn:
            store = await named_store(conn, query.shop_id)
            # Before the sums: an order counted meanwhile may still be called pending, never lost.
            pending, oldest = await analytics.freshness(conn, store.shop_id)
            buckets = await analytics.sales(conn, store.shop_id, query)
    sales = Sales(
        shop_id=store.shop_id,
        basis=query.basis,
        interval=query.interval,
        iana_timezone=store.iana_timezone or "UTC",
        buckets=[
            SalesBucket.model_validate({"period": bucket.period} | figures.presented(bucket))
            for bucket in buckets
        ],
        totals=[
            SalesFigures.model_validate(figures.presented(total))
            for total in figures.totals(buckets)
        ],
        pending_orders=pending,
        oldest_pending_at=oldest,
    )
    return Reply(data=sales)
