"""Orders, products, customers, inventory and every other resource, as last synced."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from services.gateway import domain
from services.gateway.connecting import named_store, only_store
from services.gateway.models import Store
from services.gateway.resources import (
    CustomerQuery,
    InventoryQuery,
    ObjectQuery,
    OneObjectQuery,
    OneOrderQuery,
    OrderQuery,
    ProductQuery,
)
from services.gateway.routing import Call, Nothing, Reply
from services.gateway.store import commerce, objects
from shared.errors import NotFound
from shared.postgres import POOL, Connection, tenant_transaction, translated
from shared.shopify.resources import RESOURCES


@asynccontextmanager
async def store_of(call: Call[Any]) -> AsyncIterator[tuple[Connection, Store]]:
    """Open the caller's transaction and find the store that the path names, or the only one."""
    named = call.request.match_info.get("shop_id")
    with translated():
        async with tenant_transaction(call.app[POOL], call.principal.tenant_id) as conn:
            yield conn, await (only_store(conn) if named is None else named_store(conn, named))


def paged(rows: Sequence[BaseModel], limit: int, *position: str) -> Reply:
    """Return a page of *rows*, of which one too many says that there are more."""
    shown = list(rows[:limit])
    cursor = None
    if len(rows) > limit:
        cursor = domain.encode_cursor(*(getattr(shown[-1], name) for name in position))
    page = {"limit": limit, "next_cursor": cursor, "has_next": cursor is not None}
    return Reply(data=shown, page=page)


async def list_orders(call: Call[OrderQuery]) -> Reply:
    """List orders, newest first."""
    query = call.asked
    position = domain.decode_cursor(query.cursor, tuple[datetime, int])
    async with store_of(call) as (conn, store):
        bounds = await commerce.day_bounds(
            conn, store.iana_timezone or "UTC", query.date_from, query.date_to
        )
        rows = await commerce.orders(conn, store.shop_id, query, bounds=bounds, after=position)
    return paged(rows, query.limit, "processed_at", "order_id")


async def show_order(call: Call[OneOrderQuery]) -> Reply:
    """Show an order with its lines, refunds, transactions and fulfilments."""
    order_id = call.number("order_id")
    async with store_of(call) as (conn, store):
        order = await commerce.order_detail(
            conn, store.shop_id, order_id, with_raw=call.asked.include == "raw"
        )
    return Reply(data=_found(order, "order", order_id))


async def list_products(call: Call[ProductQuery]) -> Reply:
    """List products, newest first."""
    after = domain.decode_cursor(call.asked.cursor, tuple[int])
    async with store_of(call) as (conn, store):
        rows = await commerce.products(
            conn, store.shop_id, call.asked, after=after[0] if after else None
        )
    return paged(rows, call.asked.limit, "product_id")


async def show_product(call: Call[Nothing]) -> Reply:
    """Show a product with its variants."""
    product_id = call.number("product_id")
    async with store_of(call) as (conn, store):
        product = await commerce.product_detail(
            conn, store.shop_id, product_id, currency=store.currency
        )
    return Reply(data=_found(product, "product", product_id))


async def list_customers(call: Call[CustomerQuery]) -> Reply:
    """List customers, newest first."""
    after = domain.decode_cursor(call.asked.cursor, tuple[int])
    async with store_of(call) as (conn, store):
        rows = await commerce.customers(
            conn, store.shop_id, call.asked, after=after[0] if after else None
        )
    return paged(rows, call.asked.limit, "customer_id")


async def show_customer(call: Call[Nothing]) -> Reply:
    """Show a customer."""
    customer_id = call.number("customer_id")
    async with store_of(call) as (conn, store):
        rows = await commerce.customers(
            conn, store.shop_id, CustomerQuery(limit=1), after=None, customer_id=customer_id
        )
    return Reply(data=_found(rows[0] if rows else None, "customer", customer_id))


async def list_inventory(call: Call[InventoryQuery]) -> Reply:
    """List inventory levels by item and location."""
    position = domain.decode_cursor(call.asked.cursor, tuple[int, int])
    async with store_of(call) as (conn, store):
        rows = await commerce.levels(conn, store.shop_id, call.asked, after=position)
    return paged(rows, call.asked.limit, "inventory_item_id", "location_id")


async def list_objects(call: Call[ObjectQuery]) -> Reply:
    """List the objects of a resource, newest first, each with all that belongs to it."""
    after = domain.decode_cursor(call.asked.cursor, tuple[int])
    async with store_of(call) as (conn, store):
        rows = await objects.objects(
            conn, store, call.text("resource"), call.asked, after=after[0] if after else None
        )
    return paged(rows, call.asked.limit, "id")


async def show_object(call: Call[OneObjectQuery]) -> Reply:
    """Show one object of a resource with all that belongs to it."""
    resource, object_id = call.text("resource"), call.number("object_id")
    async with store_of(call) as (conn, store):
        rows = await objects.objects(
            conn,
            store,
            resource,
            ObjectQuery(limit=1, include=call.asked.include),
            object_id=object_id,
        )
    return Reply(data=_found(rows[0] if rows else None, RESOURCES[resource].kind, object_id))


def _found(found: BaseModel | None, resource: str, number: int) -> BaseModel:
    if found is None:
        raise NotFound(f"no such {resource}", details={"resource": resource, "id": number})
    return found
