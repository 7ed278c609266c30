"""Redacting a customer: rows at once, then every body that names them, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TypeAlias

from services.syncer.domain.arrivals import Arrival
from services.syncer.domain.privacy import Request, Step, Subject, numbers
from services.syncer.store import privacy_redacting as store
from services.syncer.store.privacy import advance, end, turn_to_letters
from shared.postgres import Connection
from shared.shopify.snapshots import Fact, Owner

_Scan: TypeAlias = Callable[[Connection, Request, Subject, int], Awaitable[store.Scanned]]

_BODIES = 200
_LARGE = 10
# What is looked through after the rows, in this order: table, what does it, how many at once, next.
_SCANS: MappingProxyType[Step, tuple[str, _Scan, int, Step]] = MappingProxyType(
    {
        "bodies": ("commerce.webhook_events", store.scan_bodies, _BODIES, "large"),
        "large": ("intake.bodies", store.scan_large_bodies, _LARGE, "dead"),
    }
)


async def piece(conn: Connection, request: Request) -> None:
    """Do the next piece of *request*: the rows, some bodies, the dead letters, or the end."""
    if request.step == "begin":
        await _rows(conn, request)
    elif request.step == "dead":
        await turn_to_letters(conn, request)
    elif request.step == "end":
        await end(conn, request, "personal fields and what named the customer were erased")
    else:
        await _scan(conn, request, request.step)


async def _rows(conn: Connection, request: Request) -> None:
    names = await store.remember(conn, request)
    customers = [request.customer_id] if request.customer_id is not None else []
    erased = await store.redact(conn, request.owner, customers=customers, orders=request.order_ids)
    known = sorted({*names, *request.names})
    await advance(conn, request, "bodies", names=known, erased=erased)


async def _scan(conn: Connection, request: Request, step: Step) -> None:
    table, scan, limit, following = _SCANS[step]
    scanned = await scan(conn, request, request.subject, limit)
    erased = {table: scanned.erased}
    if scanned.last is None:
        await advance(conn, request, following, erased=erased)
    else:
        await advance(conn, request, step, place=scanned.last, erased=erased)


@asynccontextmanager
async def respected(
    conn: Connection, facts: Sequence[Fact], *, guards: Collection[Owner] | None = None
) -> AsyncIterator[None]:
    """Let *facts* be written, and take away again what was redacted before.

    In one transaction, so that nobody sees it in between. *guards* are the shops with redactions,
    where the transaction knows them from ``guarded``.
    """
    owners = {fact.owner for fact in facts}
    shops = guards
    if shops is None:
        shops = await store.redacted_shops(conn, sorted(owners, key=lambda one: one.shop_id))
    yield
    for owner in shops:
        await store.redact_written(conn, owner, facts)


async def guarded(conn: Connection, arrivals: Sequence[Arrival]) -> Mapping[Owner, bool]:
    """Return the shops of *arrivals* with redactions, and whether they were erased whole."""
    owners = {_owner(one) for one in arrivals}
    return await store.redacted_shops(conn, sorted(owners, key=lambda one: one.shop_id))


def kept_out(arrivals: Sequence[Arrival], shops: Mapping[Owner, bool]) -> list[Arrival]:
    """Return *arrivals* without those of shops that were erased and have not come back."""
    return [one for one in arrivals if not shops.get(_owner(one), False)]


async def forget_bodies(
    conn: Connection, arrivals: Sequence[Arrival], shops: Mapping[Owner, bool]
) -> None:
    """Forget the bodies of *arrivals*, just kept, that name a redacted customer or order."""
    for owner in shops:
        mine = [one.delivery for one in arrivals if _owner(one) == owner]
        said = numbers(delivery.body for delivery in mine)
        subject = Subject(ids=await store.redacted_ids(conn, owner, said))
        named = [
            (delivery.topic, delivery.webhook_id)
            for delivery in mine
            if subject.is_named_in(delivery.body)
        ]
        if named:
            await store.erase_bodies(conn, owner, named)


def _owner(one: Arrival) -> Owner:
    return Owner(tenant_id=one.delivery.tenant_id, shop_id=one.delivery.shop_id)
