"""Webhook subscriptions at Shopify: have them made, see them, choose among the topics.

The syncer makes and removes them; what is chosen here is its order, and a job that sees to it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from services.gateway.handlers.catalogue import store_of
from services.gateway.handlers.sync import choose, queue_shop_job
from services.gateway.models import Store
from services.gateway.routing import Call, Nothing, Reply
from services.gateway.shopify import SHOPIFY
from services.gateway.store import accounts, subscriptions, syncing
from services.gateway.subscriptions import Setup, SetupWanted, SubscriptionWanted, Topic
from services.gateway.telling import tell_jobs_wait
from shared.errors import Conflict, NotFound, Rejected
from shared.postgres import Connection
from shared.shopify.topics import SCOPES, TOPICS, as_enum


async def set_up(call: Call[SetupWanted]) -> Reply:
    """Have a store's webhook subscriptions made right now."""
    asked = call.asked
    with_secret = "webhook_secret" in asked.model_fields_set
    if with_secret:
        call.principal.require("admin")
    async with store_of(call) as (conn, store):
        if not store.is_active:
            raise Conflict(f"the store is {store.status}", code="store_not_active")
        if with_secret:
            await _keep_secret(call, conn, store, asked.webhook_secret)
        wanted = await queue_shop_job(call, conn, store)
        (job,) = await syncing.live_jobs(conn, wanted)
        held = await subscriptions.subscriptions(conn, store.shop_id)
    await tell_jobs_wait(call.app, call.principal.tenant_id, store.shop_id)
    return Reply(data=Setup(job=job, webhooks=held))


async def _keep_secret(call: Call[Any], conn: Connection, store: Store, secret: str | None) -> None:
    tenant_id = call.principal.tenant_id
    sealed = secret and call.app[SHOPIFY].ring.seal(
        secret, tenant_id=tenant_id, shop_id=store.shop_id, purpose="webhook_secret"
    )
    if not await accounts.set_webhook_secret(conn, store.shop_id, sealed):
        raise Conflict("the store has no token; connect it first", code="store_not_active")
    entry = accounts.Entry(
        tenant_id=tenant_id,
        actor=call.principal.subject,
        action="store.webhook_secret_set" if secret else "store.webhook_secret_forgotten",
        target=store.shop_domain,
        details={"shop_id": store.shop_id},
        request_id=call.request_id,
    )
    await accounts.audit(conn, entry)


async def list_subscriptions(call: Call[Nothing]) -> Reply:
    """List the webhook subscriptions that a store has at Shopify."""
    async with store_of(call) as (conn, store):
        return Reply(data=await subscriptions.subscriptions(conn, store.shop_id))


async def list_topics(call: Call[Nothing]) -> Reply:
    """List the topics that a store can send, and which it does."""
    async with store_of(call) as (conn, store):
        chosen = await syncing.topics(conn, store.shop_id)
        held = await subscriptions.subscriptions(conn, store.shop_id)
    sent = {one.topic for one in held}
    return Reply(data=[_shown(topic, chosen, sent) for topic in TOPICS])


async def subscribe(call: Call[SubscriptionWanted]) -> Reply:
    """Choose a topic; the next shop job, queued now, subscribes to it if its scope is granted."""
    topic = as_enum(call.asked.topic)
    if topic not in SCOPES:
        raise Rejected("no such topic; see the list of topics", code="unknown_topic")
    async with store_of(call) as (conn, store):
        chosen = await syncing.lock_topics(conn, store.shop_id)
        if chosen is not None and topic not in map(as_enum, chosen):
            chosen = [*chosen, topic]
        shown = await _chosen(call, conn, store, chosen, topic)
    await tell_jobs_wait(call.app, call.principal.tenant_id, store.shop_id)
    return Reply(data=shown)


async def unsubscribe(call: Call[Nothing]) -> Reply:
    """Choose all topics but this one; the next shop job, queued now, removes the subscription."""
    subscription_id = call.text("subscription_id")
    async with store_of(call) as (conn, store):
        held = await subscriptions.subscriptions(conn, store.shop_id)
        topic = next((one.topic for one in held if one.id == subscription_id), None)
        if topic is None:
            details = {"resource": "subscription", "id": subscription_id}
            raise NotFound("no such subscription", details=details)
        if not SCOPES.get(topic):
            raise Conflict("this topic tells about the app itself", code="topic_required")
        chosen = await syncing.lock_topics(conn, store.shop_id)
        rest = [one for one in (TOPICS if chosen is None else chosen) if as_enum(one) != topic]
        shown = await _chosen(call, conn, store, rest, topic)
    await tell_jobs_wait(call.app, call.principal.tenant_id, store.shop_id)
    return Reply(data=shown)


async def _chosen(
    call: Call[Any], conn: Connection, store: Store, topics: list[str] | None, topic: str
) -> Topic:
    await choose(call, conn, store, topics)
    held = await subscriptions.subscriptions(conn, store.shop_id)
    return _shown(topic, topics, {one.topic for one in held})


def _shown(topic: str, chosen: Sequence[str] | None, sent: Collection[str]) -> Topic:
    scope = SCOPES[topic]
    return Topic(
        topic=topic,
        scope=scope or None,
        is_chosen=not scope or chosen is None or topic in map(as_enum, chosen),
        is_subscribed=topic in sent,
    )
