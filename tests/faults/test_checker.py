"""The checker finds every kind of harm: each is done to a healthy database, and must be named."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import msgspec
import pytest

from services.analytics.app import ROLE
from services.analytics.drain import drain
from services.syncer.handlers.deliveries import apply
from shared.clock import now
from shared.postgres import close_pool, open_pool
from tests.faults import checker, found, ledger
from tests.faults.ledger import Ledger, Record
from tests.faults.orders import Change, Histories, Shop, moment_of
from tests.integration.histories import SHOPS
from tests.integration.outcomes import connected_tenant
from tests.integration.syncer.test_deliveries import RecordingBus

CHANGES = 60


@dataclasses.dataclass
class Healthy:
    """What was told, the ledger of it, and the database that holds it."""

    changes: list[Change]
    shops: list[Shop]
    path: Path
    dsn: str
    db: asyncpg.Connection

    @property
    def record(self) -> Record:
        return ledger.read(self.path)

    @property
    def living(self) -> Change:
        """The newest version of an order that was changed and not deleted."""
        newest = {one.order_id: one for one in self.changes}
        return next(one for one in newest.values() if one.topic == "orders/updated")

    @property
    def deleted(self) -> Change:
        return next(one for one in self.changes if one.topic == "orders/delete")

    async def complaints(self) -> dict[str, str]:
        """Return the first complaint of each invariant."""
        seen = await found.look(self.dsn, {})
        harm = checker.violations(self.record, seen)
        return {one.invariant: one.what for one in reversed(harm)}


@pytest.fixture
async def healthy(dsn: str, db: asyncpg.Connection, tmp_path: Path) -> AsyncIterator[Healthy]:
    owners = [await connected_tenant(db) for _ in range(2)]
    domains = dict(await db.fetch("SELECT shop_id, shop_domain FROM accounts.stores"))
    shops = [
        Shop(one.tenant_id, one.shop_id, domains[one.shop_id], str(SHOPS[place]["currency"]))
        for two in owners
        for place, one in enumerate(two)
    ]
    changes = Histories(shops, seed=3).take(CHANGES)
    book = Ledger(tmp_path / "ledger")
    for one in changes:
        await book.sent(one, expected=200, state="applied")
        await book.answered(one.webhook_id, 200, 0.01)
    yield await _applied(Healthy(changes, shops, tmp_path / "ledger", dsn, db))
    await book.close()


async def _applied(told: Healthy) -> Healthy:
    syncer = await open_pool(told.dsn, role="tillstream_syncer", max_size=2)
    analytics = await open_pool(told.dsn, role=ROLE, max_size=2)
    received = now().isoformat()
    deliveries = [
        msgspec.structs.replace(one.delivery(), received_at=received) for one in told.changes
    ]
    await apply(deliveries, pool=syncer, bus=RecordingBus())
    while await drain(analytics):
        pass
    await close_pool(syncer)
    await close_pool(analytics)
    return told


async def test_nothing_is_wrong_with_a_healthy_database(healthy: Healthy) -> None:
    assert await healthy.complaints() == {}


async def test_a_dropped_delivery_is_a_loss(healthy: Healthy) -> None:
    gone = healthy.changes[0].webhook_id
    await healthy.db.execute("DELETE FROM commerce.webhook_events WHERE webhook_id = $1", gone)

    complaints = await healthy.complaints()

    assert gone in complaints["I1"]
    assert "0 times in the inbox" in complaints["I1"]
    assert checker.lost(healthy.record, await found.look(healthy.dsn, {})) == 1


async def test_a_delivery_that_is_there_twice_is_a_double(healthy: Healthy) -> None:
    twice, other = healthy.changes[0], healthy.shops[-1]
    await healthy.db.execute(
        "INSERT INTO commerce.webhook_events (tenant_id, shop_id, topic, webhook_id, received_at,"
        " body_sha256, state) SELECT $2, $3, 'orders/paid', webhook_id, received_at, body_sha256,"
        " state FROM commerce.webhook_events WHERE webhook_id = $1",
        *(twice.webhook_id, other.tenant_id, other.shop_id),
    )

    complaints = await healthy.complaints()

    assert "2 times in the inbox" in complaints["I1"]
    assert complaints["I3"] == "1 deliveries count twice"


async def test_another_body_than_was_sent_is_named(healthy: Healthy) -> None:
    await healthy.db.execute(
        "UPDATE commerce.webhook_events SET body_sha256 = '\\x00' WHERE webhook_id = $1",
        healthy.changes[0].webhook_id,
    )

    assert "another body" in (await healthy.complaints())["I1"]


async def test_an_older_version_is_named(healthy: Healthy) -> None:
    order = healthy.living
    await healthy.db.execute(
        "UPDATE commerce.orders SET updated_at = $2 WHERE order_id = $1",
        *(order.order_id, moment_of(order.version - 1)),
    )

    complaint = (await healthy.complaints())["I2"]

    assert f"is at version {order.version - 1}, not {order.version}" in complaint


async def test_the_amount_of_another_version_is_named(healthy: Healthy) -> None:
    await healthy.db.execute(
        "UPDATE commerce.orders SET total_price = total_price + 1 WHERE order_id = $1",
        healthy.living.order_id,
    )

    assert "the amount" in (await healthy.complaints())["I2"]


async def test_an_order_that_is_missing_is_named(healthy: Healthy) -> None:
    await healthy.db.execute(
        "DELETE FROM commerce.orders WHERE order_id = $1", healthy.living.order_id
    )

    complaints = await healthy.complaints()

    assert "is missing" in complaints["I2"]
    assert "its orders" in complaints["I3"]


async def test_an_order_that_rose_from_the_dead_is_named(healthy: Healthy) -> None:
    like, gone = healthy.living, healthy.deleted
    await healthy.db.execute("DELETE FROM commerce.tombstones WHERE id = $1", gone.order_id)
    await healthy.db.execute("DELETE FROM commerce.orders WHERE order_id = $1", gone.order_id)
    await healthy.db.execute(
        "UPDATE commerce.orders SET order_id = $2, tenant_id = $3, shop_id = $4"
        " WHERE order_id = $1",
        *(like.order_id, gone.order_id, gone.shop.tenant_id, gone.shop.shop_id),
    )

    harm = checker.violations(healthy.record, await found.look(healthy.dsn, {}))

    named = [one.what for one in harm if str(gone.order_id) in one.what]
    assert any("deleted it" in what for what in named)
    assert any("no tombstone" in what for what in named)


async def test_sales_that_count_an_order_twice_are_named(healthy: Healthy) -> None:
    await healthy.db.execute(
        "UPDATE analytics.contributions SET gross_sales = gross_sales * 2 WHERE order_id = $1",
        healthy.living.order_id,
    )

    assert "its orders" in (await healthy.complaints())["I3"]


async def test_a_message_in_limbo_is_named(healthy: Healthy) -> None:
    await healthy.db.execute(
        "INSERT INTO bus.messages (queue, topic, body) VALUES ('syncer.deliveries.v1', 'x', '')"
    )

    assert (await healthy.complaints())["I4"] == "1 rows in bus.messages"


async def test_a_buried_delivery_is_named(healthy: Healthy) -> None:
    buried = healthy.changes[1].webhook_id
    await healthy.db.execute(
        "UPDATE commerce.webhook_events SET state = 'dead', error = 'no reason'"
        " WHERE webhook_id = $1",
        buried,
    )

    complaints = await healthy.complaints()

    assert complaints["I4"] == f"{buried} is buried: no reason"
    assert "is dead: no reason" in complaints["I1"]


async def test_another_tenants_row_is_named(healthy: Healthy) -> None:
    order = healthy.living
    other = next(one for one in healthy.shops if one.tenant_id != order.shop.tenant_id)
    await healthy.db.execute(
        "UPDATE commerce.orders SET tenant_id = $2, shop_id = $3 WHERE order_id = $1",
        *(order.order_id, other.tenant_id, other.shop_id),
    )
    await healthy.db.execute(
        "UPDATE commerce.webhook_events SET tenant_id = $2, shop_id = $3 WHERE webhook_id = $1",
        *(healthy.changes[0].webhook_id, other.tenant_id, other.shop_id),
    )

    harm = checker.violations(healthy.record, await found.look(healthy.dsn, {}))

    pure = [one.what for one in harm if one.invariant == "I5"]
    assert any("belongs to nobody" in what for what in pure)


async def test_what_nobody_sent_is_named(healthy: Healthy) -> None:
    await healthy.db.execute(
        "UPDATE commerce.webhook_events SET webhook_id = 'stranger' WHERE webhook_id = $1",
        healthy.changes[0].webhook_id,
    )

    assert (await healthy.complaints())["I5"] == "stranger is in the inbox and was never sent"


async def test_failures_count_outside_of_a_fault_and_wrong_answers_always(tmp_path: Path) -> None:
    shop = Shop("tenant", 1, "a.myshopify.com", "GBP")
    first, second, third = Histories([shop], seed=1).take(3)
    book = Ledger(tmp_path / "ledger")
    await book.sent(first, expected=200, state="applied")
    await book.answered(first.webhook_id, 503, 0.1)
    await book.fault("begins")
    await book.sent(second, expected=200, state="applied")
    await book.answered(second.webhook_id, 503, 0.1)
    await book.sent(third, expected=401, state="refused")
    await book.answered(third.webhook_id, 200, 0.1)
    await book.close()

    nothing = found.Found(inbox=[], orders={}, gone=frozenset(), gross={}, left={}, differences=[])
    harm = checker.violations(ledger.read(tmp_path / "ledger"), nothing)

    answers = [one.what for one in harm if one.invariant == "I6"]
    assert [what.split(" was ")[1] for what in answers] == [
        "answered 503 after 0.1 s",
        "answered 200, not 401",
    ]
    assert first.webhook_id in answers[0]


def test_a_slow_recovery_and_a_changed_replay_are_named() -> None:
    slow = checker.recovery_violations([3.0, 41.2])
    changed = checker.replay_violations({"a": "1", "b": "2"}, {"a": "1", "b": "3"})

    assert [str(one) for one in slow] == ["I7: recovered after 41.2 s, more than 35 s"]
    assert [str(one) for one in changed] == ["I8: b changed when everything was sent again"]
