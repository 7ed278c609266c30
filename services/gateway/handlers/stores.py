"""Stores: connect by token, list, show, renew, and hear that one left."""

from __future__ import annotations

from services.gateway import connecting, departures, domain, renewal
from services.gateway.metrics import DEPARTURES_TOTAL
from services.gateway.models import Connection, StoreNamed
from services.gateway.routing import Call, Nothing, Reply
from services.gateway.shopify import SHOPIFY, Shopify, facts_of, failures_told
from services.gateway.store import accounts, outgoing
from shared.errors import Conflict, Unavailable
from shared.events import StoreLeft, StoreRenamed
from shared.postgres import POOL, Pool, tenant_transaction, translated
from shared.shopify import oauth
from shared.shopify.snapshots import Owner

# The bus comes back after 5 and 30 seconds.
_LOOKS_AGAIN = 2


async def connect(call: Call[Connection]) -> Reply:
    """Connect a store by an existing token or by client credentials, tried first."""
    shopify, wanted = call.app[SHOPIFY], call.asked
    domain.check_grant_type(wanted.grant_type, call.principal, own_tenant=shopify.own_tenant)
    with failures_told():
        grant = await _grant(shopify, wanted)
        shop, scopes = await facts_of(shopify.client(wanted.shop_domain, grant.access_token))
    arrival = connecting.Arrival(
        tenant_id=call.principal.tenant_id,
        by=call.principal.subject,
        shop=shop,
        grant=oauth.Grant(
            access_token=grant.access_token, scopes=scopes, expires_at=grant.expires_at
        ),
        grant_type=wanted.grant_type,
        request_id=call.request_id,
    )
    return Reply(data=await connecting.connect(call.app, arrival))


async def _grant(shopify: Shopify, wanted: Connection) -> oauth.Grant:
    if wanted.access_token is not None and wanted.grant_type == "static_token":
        return oauth.Grant(access_token=wanted.access_token, scopes=())
    return await shopify.grant(
        oauth.client_credentials_request(wanted.shop_domain, app=shopify.app)
    )


async def list_stores(call: Call[Nothing]) -> Reply:
    """List your stores."""
    with translated():
        async with tenant_transaction(call.app[POOL], call.principal.tenant_id) as conn:
            return Reply(data=await accounts.stores(conn))


async def show_store(call: Call[Nothing]) -> Reply:
    """Show a store, by number or domain."""
    with translated():
        async with tenant_transaction(call.app[POOL], call.principal.tenant_id) as conn:
            return Reply(data=await connecting.named_store(conn, call.text("shop_id")))


async def disconnect(call: Call[Nothing]) -> Reply:
    """Disconnect a store: forget its tokens, keep its data."""
    principal = call.principal
    with translated():
        async with tenant_transaction(call.app[POOL], principal.tenant_id) as conn:
            store = await connecting.named_store(conn, call.text("shop_id"))
            if await accounts.set_status(conn, store.shop_id, "disconnected", "by the merchant"):
                await accounts.erase_credentials(conn, store.shop_id)
                entry = accounts.Entry(
                    tenant_id=principal.tenant_id,
                    actor=principal.subject,
                    action="store.disconnected",
                    target=store.shop_domain,
                    details={"shop_id": store.shop_id},
                    request_id=call.request_id,
                )
                await accounts.audit(conn, entry)
                gone = {"status": "disconnected", "reason": "by the merchant"}
                await outgoing.add_event(
                    conn, principal.tenant_id, store.shop_id, "store.left", gone
                )
            (left,) = await accounts.stores(conn, str(store.shop_id))
    return Reply(data=left)


async def renew_store_token(call: Call[Nothing]) -> Reply:
    """Renew a store's token now."""
    return await _renewed(call, call.text("shop_id"))


async def renew_token(call: Call[StoreNamed]) -> Reply:
    """Renew the token of the store named in the body."""
    return await _renewed(call, call.asked.shop_id)


async def _renewed(call: Call[Nothing] | Call[StoreNamed], named: str) -> Reply:
    pool, tenant_id = call.app[POOL], call.principal.tenant_id
    with translated():
        async with tenant_transaction(pool, tenant_id) as conn:
            store = await connecting.named_store(conn, named)
    await renewal.renew(pool, call.app[SHOPIFY], tenant_id=tenant_id, shop_id=store.shop_id)
    with translated():
        async with tenant_transaction(pool, tenant_id) as conn:
            return Reply(data=await connecting.named_store(conn, str(store.shop_id)))


async def on_store_left(event: StoreLeft, *, pool: Pool, shopify: Shopify, attempt: int) -> None:
    """Note that Shopify ended a connection; an older notice than the connection changes nothing.

    That the app was uninstalled is noted, and the tokens forgotten, once Shopify refuses the
    store's token. Raises Unavailable when Shopify does not say, and at the first attempts also when
    it takes the token still: the notice may be faster than the end of the token.
    """
    tenant_id = str(event.tenant_id)
    owner = Owner(tenant_id=tenant_id, shop_id=event.shop_id)
    uninstalled = event.status == "uninstalled"
    refused = await departures.refused_token(pool, shopify, owner) if uninstalled else ""
    if refused is None and attempt < _LOOKS_AGAIN:
        raise Unavailable("Shopify serves the store still", code="still_served")
    if refused is None:
        return
    with translated():
        async with tenant_transaction(pool, tenant_id) as conn:
            if uninstalled:
                await departures.check_same(conn, owner, refused)
            shop_domain = await accounts.leave(
                conn,
                event.shop_id,
                status=event.status,
                reason=event.reason,
                at=event.happened_at,
            )
            if shop_domain is None:
                return
            if uninstalled:
                await accounts.erase_credentials(conn, event.shop_id)
            entry = accounts.Entry(
                tenant_id=tenant_id,
                actor="shopify",
                action=f"store.{event.status}",
                target=shop_domain,
                details={"shop_id": event.shop_id, "reason": event.reason},
            )
            await accounts.audit(conn, entry)
            gone = {"status": event.status, "reason": event.reason}
            await outgoing.add_event(conn, tenant_id, event.shop_id, "store.left", gone)
    if uninstalled:
        DEPARTURES_TOTAL.labels("left").inc()


async def on_store_renamed(event: StoreRenamed, *, pool: Pool) -> None:
    """Follow a shop to its new domain; deliveries that name the old one are still taken.

    Raises Conflict when another store is connected under the new domain.
    """
    tenant_id = str(event.tenant_id)
    with translated():
        async with tenant_transaction(pool, tenant_id) as conn:
            await accounts.lock_domain(conn, event.shop_domain)
            async with accounts.door(conn):
                holder = await accounts.holder_of_domain(conn, event.shop_domain)
            if holder not in (None, tenant_id):
                raise Conflict("the domain is another store's", code="store_already_connected")
            former = await accounts.rename(
                conn, event.shop_id, event.shop_domain, at=event.happened_at
            )
            if former is None:
                return
            entry = accounts.Entry(
                tenant_id=tenant_id,
                actor="shopify",
                action="store.renamed",
                target=event.shop_domain,
                details={"shop_id": event.shop_id, "former": former},
            )
            await accounts.audit(conn, entry)
