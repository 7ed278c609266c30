"""Connecting a store: it, its tokens and its first jobs change together."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from services.gateway.models import Store
from services.gateway.shopify import SHOPIFY
from services.gateway.store import accounts, outgoing, syncing
from services.gateway.telling import tell_connected
from shared.errors import Conflict, NotFound
from shared.postgres import POOL, Connection, tenant_transaction, translated
from shared.shopify.oauth import Grant

FIRST_KINDS = ("shop", "products", "customers", "inventory", "orders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A store about to be connected, its token tried."""

    tenant_id: str
    by: str
    shop: accounts.Shop
    grant: Grant
    grant_type: str
    request_id: str


async def connect(app: web.Application, arrival: Arrival) -> Store:
    """Store the shop, its sealed tokens, its first jobs and who did it, in one transaction.

    Raises Conflict ``store_already_connected`` when another tenant has the shop.
    """
    with translated():
        async with tenant_transaction(app[POOL], arrival.tenant_id) as conn:
            await _refuse_second_owner(conn, arrival)
            shop_id = await accounts.save_store(conn, arrival.tenant_id, arrival.shop)
            sealed = app[SHOPIFY].sealed(
                arrival.grant,
                grant_type=arrival.grant_type,
                tenant_id=arrival.tenant_id,
                shop_id=shop_id,
            )
            await accounts.save_credentials(conn, arrival.tenant_id, shop_id, sealed)
            await syncing.queue_jobs(conn, _first_jobs(arrival, shop_id))
            await accounts.audit(conn, _entry(arrival, shop_id))
            await outgoing.add_event(conn, arrival.tenant_id, shop_id, "store.connected")
            (store,) = await accounts.stores(conn, str(shop_id))
    await tell_connected(app, arrival.tenant_id, shop_id)
    return store


async def _refuse_second_owner(conn: Connection, arrival: Arrival) -> None:
    await accounts.lock_domain(conn, arrival.shop.shop_domain)
    async with accounts.door(conn):
        holder = await accounts.holder_of_domain(conn, arrival.shop.shop_domain)
    if holder not in (None, arrival.tenant_id):
        raise Conflict("the store is connected elsewhere", code="store_already_connected")


def _first_jobs(arrival: Arrival, shop_id: int) -> syncing.JobWanted:
    return syncing.JobWanted(
        tenant_id=arrival.tenant_id,
        shop_id=shop_id,
        kinds=FIRST_KINDS,
        mode="full",
        trigger="connect",
        requested_by=arrival.by,
    )


def _entry(arrival: Arrival, shop_id: int) -> accounts.Entry:
    return accounts.Entry(
        tenant_id=arrival.tenant_id,
        actor=arrival.by,
        action="store.connected",
        target=arrival.shop.shop_domain,
        details={"shop_id": shop_id, "grant_type": arrival.grant_type},
        request_id=arrival.request_id,
    )


async def named_store(conn: Connection, named: str) -> Store:
    """Return the tenant's store with this number or domain; raise NotFound otherwise."""
    stores = await accounts.stores(conn, named.lower())
    if not stores:
        raise NotFound("no such store", details={"resource": "store", "id": named[:255]})
    return stores[0]


async def only_store(conn: Connection) -> Store:
    """Return the tenant's connected store; raise NotFound without one, Conflict with several."""
    stores = [store for store in await accounts.stores(conn) if store.status != "disconnected"]
    if not stores:
        raise NotFound("no such store", details={"resource": "store"})
    if len(stores) > 1:
        raise Conflict("there are several stores: name one in the path", code="several_stores")
    return stores[0]
