"""A shop's webhook subscriptions, made equal to what we want of it."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import structlog

from services.syncer import metrics
from services.syncer.context import Context, save
from services.syncer.domain.jobs import Job
from services.syncer.domain.subscriptions import Subscription, compare, namespaces_of, wanted
from services.syncer.store import jobs, subscriptions
from shared.errors import Forbidden, Rejected
from shared.postgres import Connection
from shared.shopify.client import ShopClient
from shared.shopify.documents import document
from shared.shopify.paging import ConnectionPage

log = structlog.get_logger()


class _Node(msgspec.Struct, rename="camel"):
    id: str
    topic: str
    uri: str
    metafield_namespaces: list[str] = []


class _Subscriptions(msgspec.Struct, rename="camel"):
    webhook_subscriptions: ConnectionPage[_Node]


class _UserError(msgspec.Struct):
    message: str


class _Created(msgspec.Struct, rename="camel"):
    webhook_subscription: _Node | None = None
    user_errors: list[_UserError] = []


class _CreatedBody(msgspec.Struct, rename="camel"):
    webhook_subscription_create: _Created


async def subscribe(
    context: Context, job: Job, client: ShopClient, *, granted: Collection[str]
) -> None:
    """Make what the *granted* scopes allow and the store's owner wants, and remove the rest."""
    async with context.pool.acquire() as conn:
        chosen = await subscriptions.chosen(conn, job.owner)
    topics = wanted(granted, chosen)
    changes = compare(
        await _existing(client), context.webhook_url, topics, namespaces=client.namespaces
    )
    held = list(changes.kept)
    # Shopify has one subscription for a topic and an address; elsewhere the old one serves until
    # the new one does. What falls between the two is found by the next poll.
    for one in (one for one in changes.surplus if one.uri == context.webhook_url):
        await client.execute(document("webhook_subscription_delete"), {"id": one.gid})
    for topic in changes.missing:
        created = await _create(client, topic, context.webhook_url)
        if created is not None:
            held.append(created)
    for one in (one for one in changes.surplus if one.uri != context.webhook_url):
        await client.execute(document("webhook_subscription_delete"), {"id": one.gid})

    async def remember(conn: Connection) -> None:
        await jobs.renew(conn, job)
        await subscriptions.remember(conn, job.owner, held)

    await save(context, (), also=remember)
    made = len(held) - len(changes.kept)
    refused = len(changes.missing) - made
    counts = {"created": made, "removed": len(changes.surplus), "refused": refused}
    for outcome, count in counts.items():
        metrics.SUBSCRIPTIONS_TOTAL.labels(outcome).inc(count)
    if any(counts.values()):
        log.info("webhook subscriptions set right", **counts)


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
    namespaces = namespaces_of(topic, client.namespaces)
    variables = {"topic": topic, "uri": uri, "namespaces": namespaces}
    try:
        body = await client.execute(document_text, variables)
    except Rejected as exc:
        # An enum word that the API version does not know refuses the whole query.
        if not isinstance(exc, Forbidden) and exc.code != "bad_query":
            raise
        log.warning("webhook not allowed", topic=topic, error=str(exc))
        return None
    answer = msgspec.json.decode(body, type=_CreatedBody).webhook_subscription_create
    if answer.webhook_subscription is None:
        reasons = "; ".join(error.message for error in answer.user_errors)
        log.warning("webhook refused", topic=topic, error=reasons)
        return None
    return _subscription(answer.webhook_subscription)


def _subscription(node: _Node) -> Subscription:
    return Subscription(
        gid=node.id, topic=node.topic, uri=node.uri, namespaces=node.metafield_namespaces
    )
