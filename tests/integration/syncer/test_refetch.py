"""Objects read again by id: whose turn it is, and what one of them may do to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from services.syncer import refetch
from services.syncer.context import Context, save
from services.syncer.refetch import Answer
from services.syncer.store import refetches
from shared.errors import Forbidden, Unavailable
from shared.shopify.client import ShopClient
from shared.shopify.snapshots import Owner, Refetch
from tests.integration.syncer.objects import an_order
from tests.integration.syncer.shopify import connect_store, new_keys
from tests.integration.syncer.test_deliveries import RecordingBus

OTHER_TENANT = "018f0000-0000-7000-8000-0000000000aa"


class NoShops:
    """Stands in for clients that nobody needs, because readings are made up."""

    def __init__(self) -> None:
        self.at_rest: list[int] = []

    async def client(self, owner: Owner) -> ShopClient:
        return None

    def resting(self) -> list[int]:
        return self.at_rest


@pytest.fixture
def context(pool) -> Context:
    return Context(pool=pool, bus=RecordingBus(), shops=NoShops())


@pytest.fixture
async def owner(db) -> Owner:
    return await connect_store(db, "token", new_keys())


@pytest.fixture
async def reading(context) -> AsyncIterator[asyncio.Event]:
    """Let the readers run until the test ends."""
    stop = asyncio.Event()
    task = asyncio.create_task(refetch.run(context, stop))
    yield stop
    stop.set()
    await asyncio.wait_for(task, 10)


async def wish(context: Context, owner: Owner, kind: str, *ids: int, reason: str = "x") -> None:
    wishes = [Refetch(owner=owner, kind=kind, key=(one,), reason=reason) for one in ids]
    await save(context, wishes)


async def may_read_ledgers(db, owner: Owner) -> None:
    await db.execute(
        "INSERT INTO commerce.capabilities (tenant_id, shop_id, resource, state)"
        " VALUES ($1, $2, 'order_details', 'available')",
        owner.tenant_id,
        owner.shop_id,
    )


async def reasons(db) -> dict[int, str]:
    return {row["id"]: row["reason"] for row in await db.fetch("SELECT * FROM commerce.refetches")}


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_a_shop_that_waits_for_points_keeps_up_no_other(
    context, db, owner, monkeypatch, reading
):
    other = await connect_store(
        db, "token", new_keys(), tenant=OTHER_TENANT, shop_domain="b.myshopify.com"
    )
    waiting, points = 0, asyncio.Event()

    async def reread(context, client, kind, *, owner: Owner, ids: Sequence[int]) -> Answer:
        nonlocal waiting
        if owner == other:
            return Answer(facts=[], missing=(), at=context.clock())
        waiting += 1
        await points.wait()
        return Answer(facts=[], missing=(), at=context.clock())

    monkeypatch.setattr(refetch, "reread", reread)
    await wish(context, owner, "order", *range(200), reason="refunds")

    async def busy() -> bool:
        return waiting >= 3

    await until(busy)
    await wish(context, other, "product", 7)

    async def answered() -> bool:
        left = "SELECT count(*) FROM commerce.refetches WHERE shop_id = $1"
        return await db.fetchval(left, other.shop_id) == 0

    await until(answered)
    assert waiting == 3

    # Nor do leftovers keep up a live change of the same shop.
    await wish(context, owner, "customer", 8)

    async def live() -> bool:
        return waiting == 4

    await until(live)
    points.set()


async def test_one_object_that_breaks_everything_is_kept_apart(context, db, owner, monkeypatch):
    async def reread(context, client, kind, *, owner: Owner, ids: Sequence[int]) -> Answer:
        if 3 in ids:
            raise ValueError("a bug")
        total = {5: "1" * 40}
        facts = [
            an_order(one, 9, total=total.get(one, "2.00"), source="refetch", owner=owner)
            for one in ids
        ]
        return Answer(facts=facts, missing=(), at=context.clock())

    monkeypatch.setattr(refetch, "reread", reread)
    await wish(context, owner, "order", *range(1, 9))

    assert await refetch.drain_once(context) == 8

    written = {row["order_id"] for row in await db.fetch("SELECT order_id FROM commerce.orders")}
    assert written == {1, 2, 4, 6, 7, 8}
    left = await reasons(db)
    assert left.keys() == {3, 5}
    assert left[3].startswith("unreadable: ValueError")
    assert await refetch.drain_once(context) == 0  # not before a while has passed


async def test_what_this_release_does_not_know_or_may_not_read_waits(context, db, owner):
    await wish(context, owner, "draft_order", 1)
    await wish(context, owner, "order", 2)
    await db.execute(
        "INSERT INTO commerce.capabilities (tenant_id, shop_id, resource, state)"
        " VALUES ($1, $2, 'draft_orders', 'missing_scope')",
        owner.tenant_id,
        owner.shop_id,
    )
    await db.execute("UPDATE commerce.refetches SET kind = 'of_tomorrow' WHERE kind = 'order'")
    await wish(context, owner, "product", 3)

    assert [group.ids for group in await claimed(context)] == [[3]]


async def test_a_shop_whose_circuit_is_open_is_left_alone(context, db, owner):
    await wish(context, owner, "product", 3)
    context.shops.at_rest.append(owner.shop_id)
    assert await refetch.drain_once(context) == 0
    assert await db.fetchval("SELECT attempts FROM commerce.refetches") == 0


async def test_wishes_that_nobody_asked_for_wait_no_longer_than_the_circuit(
    context, db, owner, monkeypatch
):
    """They say nothing of why Shopify failed, and should be read as soon as it answers again."""

    async def reread(context, client, kind, *, owner: Owner, ids: Sequence[int]) -> Answer:
        raise Unavailable("Shopify failed several times", code="circuit_open", retry_after=7)

    monkeypatch.setattr(refetch, "reread", reread)
    await wish(context, owner, "product", 3)
    await db.execute("UPDATE commerce.refetches SET attempts = 11")
    await refetch.drain_once(context)

    waits = "SELECT not_before - now() < interval '8 seconds' FROM commerce.refetches"
    assert await db.fetchval(waits)


async def test_an_object_that_is_withheld_keeps_up_no_neighbour(context, db, owner, monkeypatch):
    async def by_ids(client, kind, ids: Sequence[int]) -> dict[int, object]:
        why = Forbidden("withheld", code="protected_customer_data")
        return {one: why if one == 3 else None for one in ids}

    monkeypatch.setattr(refetch.reading, "by_ids", by_ids)
    await wish(context, owner, "product", 3, 4)
    assert await refetch.drain_once(context) == 2

    assert await reasons(db) == {
        3: "unreadable: protected_customer_data",
        4: "gone: refetch",
    }


async def claimed(context: Context) -> list[refetches.Group]:
    async with context.pool.acquire() as conn:
        return await refetches.claim(conn, limits=refetch.IDS_PER_QUERY, groups=4)


async def test_who_still_reads_keeps_his_wishes_unless_they_were_renewed(context, db, owner):
    await wish(context, owner, "order", 1, 2)
    (group,) = await claimed(context)
    await wish(context, owner, "order", 2, reason="news")
    await db.execute("UPDATE commerce.refetches SET not_before = now() + interval '1 s' WHERE id=1")

    async with context.pool.acquire() as conn:
        await refetches.hold(conn, group)

    kept = "SELECT id FROM commerce.refetches WHERE not_before > now() + interval '50 s'"
    assert [row["id"] for row in await db.fetch(kept)] == [1]
    assert [one.ids for one in await claimed(context)] == [[2]]


@pytest.mark.parametrize("kind", ["order", "order_details"])
async def test_a_null_counts_no_more_once_somebody_speaks_of_the_object(context, db, owner, kind):
    """Two nulls in a row bury it; between these two Shopify told that it is there."""
    await may_read_ledgers(db, owner)
    await wish(context, owner, kind, 5, reason="gone: refetch")
    await wish(context, owner, kind, 5, reason="follows")

    assert await reasons(db) == {5: "follows"}


async def test_the_ledgers_of_a_thousand_orders_leave_room_for_live_changes(context, db, owner):
    await may_read_ledgers(db, owner)
    for _ in range(3):  # created, paid, updated
        await wish(context, owner, "order_details", *range(1, 1001), reason="follows")
    assert await db.fetchval("SELECT count(*) FROM commerce.refetches") == 1000
    assert await claimed(context) == []  # the burst is not over
    await db.execute("UPDATE commerce.refetches SET not_before = now() - interval '1 minute'")
    await wish(context, owner, "product", 7)

    groups = await claimed(context)

    assert [(one.kind, len(one.ids)) for one in groups] == [
        ("product", 1),
        ("order_details", 10),
        ("order_details", 10),
    ]


async def test_pending_payments_are_read_again_less_and_less(context, db, owner):
    """Where customers pay on delivery, most orders of a month are pending."""
    await save(context, [an_order(one, 9, owner=owner) for one in (1, 2, 3)])
    await db.execute("DELETE FROM commerce.refetches")
    for order_id, age, read in (
        (1, "10 days", "1 day"),
        (2, "10 days", "6 days"),
        (3, "1 h", "1 h"),
    ):
        await db.execute(
            "INSERT INTO commerce.transactions (tenant_id, shop_id, order_id, transaction_id, kind,"
            " status, amount, currency, test, created_at)"
            " VALUES ($1, $2, $3, 1, 'sale', 'pending', 1, 'EUR', false,"
            " now() - $4::text::interval)",
            owner.tenant_id,
            owner.shop_id,
            order_id,
            age,
        )
        await db.execute(
            "UPDATE commerce.orders SET synced_at = now() - $2::text::interval WHERE order_id = $1",
            order_id,
            read,
        )

    async with context.pool.acquire() as conn:
        await refetches.ask_for_pending(conn, owner)

    assert (await reasons(db)).keys() == {2, 3}
