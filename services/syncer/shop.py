"""The shop itself: its facts, its locations, and the webhooks it must send us."""

from __future__ import annotations

import msgspec
import structlog

from services.syncer.context import Also, Context, save
from services.syncer.domain.jobs import Job
from services.syncer.domain.subscriptions import Subscription, compare
from services.syncer.refetch import read_locations
from services.syncer.store import jobs, subscriptions
from shared.errors import Forbidden
from shared.postgres import Connection
from shared.shopify.client import ShopClient
from shared.shopify.documents import document
from shared.shopify.mapping import shop_facts

log = structlog.get_logger()


class _ShopBody(msgspec.Struct):
    shop: msgspec.Raw


class _Node(msgspec.Struct):
    id: str
    topic: str
    uri: str


class _Edge(msgspec.Struct):
    node: _Node


class _PageInfo(msgspec.Struct, rename="camel"):
    has_next_page: bool
    end_cursor: str | None = None


class _Connection(msgspec.Struct, rename="camel"):
    edges: list[_Edge]
    page_info: _PageInfo


class _Subscriptions(msgspec.Struct, rename="camel"):
    webhook_subscriptions: _Connection


class _UserError(msgspec.Struct):
    message: str


class _Created(msgspec.Struct, rename="camel"):
    webhook_subscription: _Node | None = None
    user_errors: list[_UserError] = []


class _CreatedBody(msgspec.Struct, rename="camel"):
    webhook_subscription_create: _Created


async def sync_shop(context: Context, job: Job) -> None:
    """Read the shop and its locations, then set its webhook subscriptions right."""
    client = await context.shops.client(job.owner)
    body = await client.execute(document("shop"))
    raw = bytes(msgspec.json.decode(body, type=_ShopBody).shop)
    try:
        locations = await read_locations(client, job.owner, "poll")
    except Forbidden as exc:
        log.warning("locations cannot be read", error=str(exc))
        locations = []
    await save(context, [shop_facts(raw, job.owner), *locations], also=_counted(job))
    if context.webhook_url:
        await _reconcile(context, job, client)


async def _reconcile(context: Context, job: Job, client: ShopClient) -> None:
    changes = compare(await _existing(client), context.webhook_url)
    held = list(changes.kept)
    for topic in changes.missing:
        created = await _create(client, topic, context.webhook_url)
        if created is not None:
            held.append(created)
    for one in changes.surplus:
        await client.execute(document("webhook_subscription_delete"), {"id": one.gid})

    async def remember(conn: Connection) -> None:
        await jobs.renew(conn, job)
        await subscriptions.remember(conn, job.owner, held)

    await save(context, (), also=remember)
    if changes.missing or changes.surplus:
        missing, surplus = len(changes.missing), len(changes.surplus)
        log.info("webhook subscriptions set right", created=missing, removed=surplus)


async def _existing(client: ShopClient) -> list[Subscription]:
    found: list[Subscription] = []
    after: str | None = None
    while True:
        body = await client.execute(
            document("webhook_subscriptions"), {"first": 100, "after": after}
        )
        page = msgspec.json.decode(body, type=_Subscriptions).webhook_subscriptions
        found += [_subscription(edge.node) for edge in page.edges]
        if not page.page_info.has_next_page:
            return found
        after = page.page_info.end_cursor


async def _create(client: ShopClient, topic: str, uri: str) -> Subscription | None:
    """Subscribe to *topic*; a topic that the app's scopes do not allow is left out, aloud."""
    document_text = document("webhook_subscription_create")
    try:
        body = await client.execute(document_text, {"topic": topic, "uri": uri})
    except Forbidden as exc:
        log.warning("webhook not allowed", topic=topic, error=str(exc))
        return None
    answer = msgspec.json.decode(body, type=_CreatedBody).webhook_subscription_create
    if answer.webhook_subscription is None:
        reasons = "; ".join(error.message for error in answer.user_errors)
        log.warning("webhook refused", topic=topic, error=reasons)
        return None
    return _subscription(answer.webhook_subscription)


def _subscription(node: _Node) -> Subscription:
    return Subscription(gid=node.id, topic=node.topic, uri=node.uri)


def _counted(job: Job) -> Also:
    async def counted(conn: Connection) -> None:
        await jobs.progress(conn, job, 1)

    return counted
