"""What deliveries do in their transaction, whether they are new or replayed."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from services.syncer import notices, privacy_redacting, schema_drift, writing
from services.syncer.domain.arrivals import Arrival, Way, arrival
from services.syncer.store import inbox, jobs, operations, privacy, shops
from services.syncer.writing import Written
from shared.bus.protocol import Bus
from shared.deliveries import Delivery
from shared.errors import Rejected
from shared.postgres import Connection
from shared.shopify import copytext
from shared.shopify.snapshots import (
    AppUninstalled,
    BulkFinished,
    Fact,
    Owner,
    PrivacyAsked,
    ShopFacts,
    ShopTouched,
    Snapshot,
)
from shared.shopify.webhooks import facts_of

log = structlog.get_logger()

# A split or a move names some objects; nobody reads further.
_OUTCOMES_KEPT = 20


def read(delivery: Delivery, way: Way, frame: bytes | None = None) -> Arrival:
    """Return what *delivery* says, or why it cannot be mapped; *frame* is its compressed body."""
    if frame is None:
        frame = copytext.frame(delivery.body)
    try:
        uuid.UUID(delivery.tenant_id)
        facts = facts_of(delivery, frame)
        schema_drift.look_at_delivery(delivery)
        return arrival(delivery, facts, way=way, frame=frame)
    except Rejected as exc:
        why = f"{exc.code}: {exc}"
    except Exception as exc:
        log.exception("delivery could not be mapped", topic=delivery.topic)
        why = f"{type(exc).__name__}: {exc}"
    return arrival(delivery, (), error=why, way=way, frame=frame)


async def write(
    conn: Connection, arrivals: Sequence[Arrival], *, guards: Collection[Owner] | None = None
) -> tuple[list[Arrival], Written]:
    """Write what *arrivals* say; return them with what became of them. Once per transaction.

    *guards* are the shops with redactions, where the transaction knows them.
    """
    facts = [fact for one in arrivals for fact in one.facts]
    async with privacy_redacting.respected(conn, facts, guards=guards):
        written = await writing.write(conn, facts, ledgers=True)
    await operations.tell(conn, [fact for fact in facts if isinstance(fact, BulkFinished)])
    return [_settled(one, written) for one in arrivals], written


def _settled(one: Arrival, written: Written) -> Arrival:
    outcomes = filter(None, (written.outcome_of(fact) for fact in one.facts[:_OUTCOMES_KEPT]))
    stale = one.has_version and all(
        isinstance(fact, Snapshot) and written.is_stale(fact) for fact in one.facts
    )
    return replace(one, state="stale" if stale else one.state, outcome=" ".join(outcomes) or None)


async def without_twins(
    conn: Connection, arrivals: Sequence[Arrival], written: Written
) -> list[Arrival]:
    """Return *arrivals*, those as duplicates whose body another transaction applied meanwhile.

    Whoever came second waited for the first one's commit, found what it had to say said, and sees
    the first one's inbox now.
    """
    doubted = [
        one
        for one in arrivals
        if one.state == "applied"
        and one.has_version
        and any(isinstance(fact, Snapshot) and written.is_held(fact) for fact in one.facts)
    ]
    if not doubted:
        return list(arrivals)
    applied = await inbox.known_bodies(conn, doubted)
    twins = {one.key for one in doubted if one.body_key in applied}
    return [replace(one, state="duplicate") if one.key in twins else one for one in arrivals]


async def pass_on(conn: Connection, bus: Bus, facts: Sequence[Fact], *, at: datetime) -> None:
    """Tell others what Shopify said about the shop and the app.

    Before the commit: these messages must not be lost, and the gateway bears them twice.
    """
    if touched := {fact.owner for fact in facts if isinstance(fact, ShopTouched)}:
        await jobs.ask_for_shops(conn, list(touched))
    for fact in facts:
        if isinstance(fact, PrivacyAsked):
            await privacy.ask(conn, fact)
        elif isinstance(fact, AppUninstalled):
            await notices.app_uninstalled(bus, fact)
        elif isinstance(fact, ShopFacts) and await shops.is_renamed(conn, fact):
            await notices.store_renamed(bus, fact.owner, shop_domain=fact.shop_domain, at=at)
