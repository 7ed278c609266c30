"""Health as a merchant sees it: tokens, connections, work waiting."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal

from aiohttp import web

from services.gateway.models import (
    Alive,
    ConnectionHealth,
    Store,
    Version,
)
from services.gateway.neighbours import NEIGHBOURS
from services.gateway.routing import Call, Nothing, Reply
from services.gateway.shopify import SHOPIFY, Shopify, facts_of
from services.gateway.store import accounts, commerce
from shared.errors import NotFound, Rejected, Unavailable
from shared.postgres import POOL, Pool, tenant_transaction, translated
from shared.shopify.snapshots import Owner

VERSION: web.AppKey[str] = web.AppKey("VERSION")

_STORES_TRIED_MAX = 20


async def show_health(call: Call[Nothing]) -> Reply:
    """Say that the API answers."""
    return Reply(data=Alive(version=call.app[VERSION]))


async def show_tokens(call: Call[Nothing]) -> Reply:
    """Show how each store's token is."""
    with translated():
        async with tenant_transaction(call.app[POOL], call.principal.tenant_id) as conn:
            return Reply(data=await accounts.token_health(conn))


async def try_connections(call: Call[Nothing]) -> Reply:
    """Ask Shopify with each active store's token, now."""
    pool, tenant_id = call.app[POOL], call.principal.tenant_id
    with translated():
        async with tenant_transaction(pool, tenant_id) as conn:
            stores = [store for store in await accounts.stores(conn) if store.is_active]
    tried = [_tried(pool, call.app[SHOPIFY], tenant_id, s) for s in stores[:_STORES_TRIED_MAX]]
    return Reply(data=list(await asyncio.gather(*tried)))


async def _tried(pool: Pool, shopify: Shopify, tenant_id: str, store: Store) -> ConnectionHealth:
    started = time.monotonic()
    code = None
    try:
        with translated():
            async with tenant_transaction(pool, tenant_id) as conn:
                held = await accounts.credentials(conn, store.shop_id)
        if held is None:
            raise NotFound("the store has no token", code="no_token")
        owner = Owner(tenant_id=tenant_id, shop_id=store.shop_id)
        client = shopify.client(store.shop_domain, shopify.opened(held, "access_token"), owner)
        await facts_of(client)
    except (Rejected, Unavailable) as exc:
        code = exc.code
    return ConnectionHealth(
        shop_id=store.shop_id,
        shop_domain=store.shop_domain,
        reachable=code is None,
        code=code,
        seconds=Decimal(f"{time.monotonic() - started:.3f}"),
    )


async def show_summary(call: Call[Nothing]) -> Reply:
    """Show stores, jobs and deliveries in counts."""
    with translated():
        async with tenant_transaction(call.app[POOL], call.principal.tenant_id) as conn:
            return Reply(data=await commerce.summary(conn))


async def show_version(call: Call[Nothing]) -> Reply:
    """Show which build runs, and which API version it speaks with Shopify."""
    version = Version(version=call.app[VERSION], shopify_api_version=call.app[SHOPIFY].api_version)
    return Reply(data=version)


async def list_services(call: Call[Nothing]) -> Reply:
    """List the services and whether each is ready."""
    return Reply(data=await call.app[NEIGHBOURS].listed())
