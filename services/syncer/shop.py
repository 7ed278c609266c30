"""The shop itself: its facts, its locations, what it lets us read, and its webhooks."""

from __future__ import annotations

import msgspec
import structlog

from services.syncer import notices, reading
from services.syncer.context import Also, Context, save
from services.syncer.domain.capabilities import covering
from services.syncer.domain.jobs import Job
from services.syncer.probe import probe
from services.syncer.store import jobs, objects, shops
from services.syncer.subscribing import subscribe
from shared.errors import Forbidden
from shared.postgres import Connection
from shared.shopify.client import ShopClient
from shared.shopify.documents import document
from shared.shopify.mapping import shop_facts
from shared.shopify.snapshots import Fact, Owner, Refetch, ShopFacts, Snapshot

log = structlog.get_logger()

_LOCATIONS_PER_PAGE = 50


class _Scope(msgspec.Struct):
    handle: str


class _Installation(msgspec.Struct, rename="camel"):
    access_scopes: list[_Scope]


class _ShopBody(msgspec.Struct, rename="camel"):
    shop: msgspec.Raw
    current_app_installation: _Installation


async def sync_shop(context: Context, job: Job) -> None:
    """Read the shop and its locations, find out what it allows, and set its webhooks right."""
    client = await context.shops.client(job.owner)
    shop, scopes = await _read(client, job.owner)
    async with context.pool.acquire() as conn:
        renamed = await shops.is_renamed(conn, shop)
    if renamed:
        log.warning("shop renamed", shop_id=job.owner.shop_id, domain=shop.shop_domain)
        at = context.clock()
        await notices.store_renamed(context.bus, job.owner, shop_domain=shop.shop_domain, at=at)
    places = await _places(context, client, job.owner)
    await save(context, [shop, *places], also=_counted(job))
    await probe(context, client, job.owner, scopes=scopes)
    if context.webhook_url:
        await subscribe(context, job, client, granted=covering(scopes))


async def _read(client: ShopClient, owner: Owner) -> tuple[ShopFacts, list[str]]:
    body = msgspec.json.decode(await client.execute(document("shop")), type=_ShopBody)
    scopes = [scope.handle for scope in body.current_app_installation.access_scopes]
    return shop_facts(bytes(body.shop), owner), scopes


async def _places(context: Context, client: ShopClient, owner: Owner) -> list[Fact]:
    """Return the shop's locations, and wishes for those of ours that it does not list.

    Shopify does not list every location that is there, so this is no proof that one is gone.
    """
    try:
        found = await _listed(client, owner)
    except Forbidden as exc:
        log.warning("locations cannot be read", error=str(exc))
        return []
    listed = {fact.key[0] for fact in found if isinstance(fact, Snapshot | Refetch)}
    async with context.pool.acquire() as conn:
        others = await objects.unlisted_locations(conn, owner, listed)
    return found + [
        Refetch(owner=owner, kind="location", key=(one,), reason="unlisted") for one in others
    ]


async def _listed(client: ShopClient, owner: Owner) -> list[Fact]:
    found: list[Fact] = []
    after: str | None = None
    while True:
        page = await reading.locations_page(client, first=_LOCATIONS_PER_PAGE, after=after)
        for raw in page.nodes:
            found += await reading.facts(client, "location", raw, owner=owner, source="poll")
        after = page.after
        if after is None:
            return found


def _counted(job: Job) -> Also:
    async def counted(conn: Connection) -> None:
        # What follows is done again each time.
        await jobs.progress(conn, job, 1, forgives=False)

    return counted
