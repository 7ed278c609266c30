"""Whether a store has left: a webhook says so, and only its body is signed, so Shopify is asked."""

from __future__ import annotations

import structlog

from services.gateway import renewal
from services.gateway.metrics import DEPARTURES_TOTAL
from services.gateway.shopify import Shopify, facts_of
from services.gateway.store import accounts
from shared.clock import now
from shared.errors import Rejected, Unavailable
from shared.postgres import Connection, Pool, tenant_transaction, translated
from shared.shopify.snapshots import Owner

log = structlog.get_logger()

# Of the one refusal that says that the app is gone; a token may be refused for other reasons.
_GONE = "unauthorized"


async def refused_token(pool: Pool, shopify: Shopify, owner: Owner) -> str | None:
    """Return the store's sealed token if Shopify refuses it, empty when there is none to ask with.

    None: the store is still ours. Raises Unavailable when Shopify does not say, and Rejected when
    the token cannot be read.
    """
    held = await _held(pool, owner)
    if held is not None and held.status == "active" and held.expires_at and held.expires_at < now():
        # Refused it would be, installed or not.
        held = await _renewed(pool, shopify, owner)
    if held is None:
        return ""
    client = shopify.client(held.shop_domain, shopify.opened(held, "access_token"), owner)
    try:
        await facts_of(client)
    except Rejected as exc:
        if exc.code == _GONE:
            return held.access_token_enc
        _not_believed(owner, exc.code)
    else:
        _not_believed(owner, "alive")
    return None


async def check_same(conn: Connection, owner: Owner, sealed: str) -> None:
    """Raise Unavailable unless *sealed* is still the store's token; none is made meanwhile."""
    await accounts.lock_shop(conn, owner.shop_id)
    held = await accounts.credentials(conn, owner.shop_id)
    if (held.access_token_enc if held else "") != sealed:
        raise Unavailable("the store has another token now", code="token_changed")


def _not_believed(owner: Owner, outcome: str) -> None:
    log.warning("uninstall not confirmed, store kept", shop_id=owner.shop_id, outcome=outcome)
    DEPARTURES_TOTAL.labels(outcome).inc()


async def _held(pool: Pool, owner: Owner) -> accounts.Credentials | None:
    with translated():
        async with tenant_transaction(pool, owner.tenant_id) as conn:
            return await accounts.credentials(conn, owner.shop_id)


async def _renewed(pool: Pool, shopify: Shopify, owner: Owner) -> accounts.Credentials | None:
    try:
        await renewal.renew(
            pool, shopify, tenant_id=owner.tenant_id, shop_id=owner.shop_id, before=now()
        )
    except Rejected as exc:
        # A token that nothing renews is as dead as one that Shopify does not renew.
        if exc.code not in ("reauth_required", "token_not_refreshable"):
            raise
    return await _held(pool, owner)
