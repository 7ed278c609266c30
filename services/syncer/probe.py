"""Finding out what Shopify lets us read of a shop, before jobs run into it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from services.syncer.context import Context
from services.syncer.domain.capabilities import Capability, Findings, covering, judged
from services.syncer.store import capabilities, jobs
from shared.errors import Forbidden, Rejected, Unauthorized
from shared.postgres import translated
from shared.shopify.client import ShopClient
from shared.shopify.documents import document
from shared.shopify.snapshots import Owner

log = structlog.get_logger()

_PAYMENTS = frozenset({"read_shopify_payments_payouts", "read_shopify_payments_accounts"})


class _Account(msgspec.Struct, rename="camel"):
    shopify_payments_account: msgspec.Raw = msgspec.Raw(b"null")


async def probe(
    context: Context, client: ShopClient, owner: Owner, *, scopes: Sequence[str]
) -> list[Capability]:
    """Find out what can be read with *scopes*, and say aloud what changed.

    Raises what the client raises, except for refusals: those are the answer.
    """
    granted = covering(scopes)
    found = judged(
        Findings(
            granted=granted,
            at=context.clock(),
            payments=await _payments(client) if _PAYMENTS & granted else None,
            protected=await _protected(client) if "read_customers" in granted else "",
        )
    )
    with translated():
        async with context.pool.acquire() as conn, conn.transaction():
            before = await capabilities.states(conn, owner)
            limited = await capabilities.limited(conn, owner)
            await capabilities.remember(conn, owner, found)
            unlimited = limited - await capabilities.limited(conn, owner)
            await jobs.ask_for_full(conn, owner, sorted(unlimited))
    for one in found:
        if before.get(one.resource, "available") != one.state:
            log.warning(
                "resource changed",
                shop_id=owner.shop_id,
                resource=one.resource,
                state=one.state,
                reason=one.reason,
            )
    return found


async def _payments(client: ShopClient) -> bool | None:
    """Return whether the shop takes payments by Shopify; None when Shopify does not say."""
    try:
        body = await client.execute(document("payments_probe"))
    except Unauthorized:
        raise
    except Rejected:
        return None
    return bytes(msgspec.json.decode(body, type=_Account).shopify_payments_account) != b"null"


async def _protected(client: ShopClient) -> str:
    """Return what Shopify says instead of a customer's data; empty when it gives them."""
    try:
        await client.execute(document("customers_probe"))
    except Forbidden as exc:
        return str(exc) if exc.code == "protected_customer_data" else ""
    return ""
