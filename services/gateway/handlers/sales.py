"""Sales: Shopify's figures per day, week, month or year."""

from __future__ import annotations

from services.gateway import figures
from services.gateway.connecting import named_store
from services.gateway.models import Sales, SalesBucket, SalesFigures, SalesQuery
from services.gateway.routing import Call, Reply
from services.gateway.store import analytics
from shared.errors import Rejected
from shared.postgres import POOL, tenant_transaction, translated


async def show_sales(call: Call[SalesQuery]) -> Reply:
    """Show sales by period and currency, with totals and freshness."""
    query = call.asked
    _check_days(query)
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


def _check_days(query: SalesQuery) -> None:
    if query.date_from and query.date_to and query.date_from > query.date_to:
        details = {"fields": [{"field": "date_to", "message": "is before date_from"}]}
        raise Rejected("the request is not valid", code="validation_failed", details=details)
