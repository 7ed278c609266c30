"""Dead letters of either bus lose what a redaction takes away, and the proof counts it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import orjson
import pytest

from services.syncer import privacy, privacy_letters
from services.syncer.handlers.deliveries import apply
from shared.bus.connect import burying, open_bus
from shared.bus.protocol import Bury, Bus, Message, Outcome
from shared.bus.topology import DELIVERIES
from shared.deliveries import TOPIC, Delivery, pack, unpack
from shared.errors import Unavailable
from shared.postgres import Pool
from shared.shopify.snapshots import Owner
from tests.integration.bus.test_conformance import until
from tests.integration.syncer.privacy import (
    CUSTOMER,
    EMAIL,
    ORDER,
    OTHER_CUSTOMER,
    a_store,
    asked,
    delivered,
    requests,
    work,
)
from tests.integration.syncer.test_deliveries import RecordingBus


@pytest.fixture
async def bus(bus_url: str, pool: Pool) -> AsyncIterator[Bus]:
    opened = await open_bus(bus_url, pool)
    yield opened
    await opened.close()


async def rotten(messages: Sequence[Message]) -> Sequence[Outcome]:
    return [Bury("rotten") for _ in messages]


async def buried(bus: Bus, *bodies: bytes) -> None:
    """Let *bodies* die in this order."""

    async def all_dead() -> bool:
        return await bus.dead(DELIVERIES) == len(bodies)

    for body in bodies:
        await bus.publish(TOPIC, body)
    async with bus.consuming(DELIVERIES, rotten, batch_max=1, prefetch=1):
        await until(all_dead)


async def still_dead(bus: Bus) -> list[list[str]]:
    """Return the ids of the deliveries in each dead letter."""
    async with bus.dead_letters(DELIVERIES) as letters:
        batches = [unpack(letter.message.body) async for letter in letters]
    return [[one.webhook_id for one in batch] for batch in batches]


def about(owner: Owner, name: str, **body: object) -> Delivery:
    return delivered(owner, "carts/update", body, name)


async def told(pool: Pool, one: Delivery) -> None:
    await apply([one], pool=pool, bus=RecordingBus())


async def proof(db) -> dict[str, int]:
    [row] = await requests(db)
    assert row["state"] == "done"
    kept: dict[str, int] = orjson.loads(row["erased"])
    logged = await db.fetchval("SELECT details->'erased' FROM accounts.audit_log")
    assert orjson.loads(logged) == kept
    return kept


async def test_a_redacted_customer_leaves_the_dead_letters(db, pool, bus):
    owner = await a_store(db)
    stranger = Owner(tenant_id=owner.tenant_id, shop_id=owner.shop_id + 1)
    kept = about(owner, "another", customer={"id": OTHER_CUSTOMER})
    await buried(
        bus,
        pack([about(owner, "by id", customer={"id": CUSTOMER}), kept]),
        pack([about(owner, "by email", email=EMAIL.upper())]),
        pack([about(owner, "by order", order_id=ORDER)]),
        pack([about(stranger, "another shop", customer={"id": CUSTOMER})]),
    )

    await told(pool, asked(owner, "customers/redact"))
    await work(pool, bus)

    assert await still_dead(bus) == [["another"], ["another shop"]]
    assert (await proof(db))["bus.dead"] == 3


async def test_an_erased_shop_leaves_the_dead_letters(db, pool, bus):
    owner = await a_store(db, status="uninstalled")
    stranger = Owner(tenant_id=owner.tenant_id, shop_id=owner.shop_id + 1)
    one, other = about(owner, "mine", id=1), about(stranger, "another shop", id=1)
    await buried(bus, pack([one, other, one]), pack([other]), pack([one]))

    await told(pool, asked(owner, "shop/redact"))
    await work(pool, bus)

    assert await still_dead(bus) == [["another shop"], ["another shop"]]
    assert (await proof(db))["bus.dead"] == 3


class Away:
    """A bus that does not answer."""

    def dead_letters(self, queue: str, *, alone: bool = False) -> None:
        raise Unavailable("no broker")


async def works_until_away(pool: Pool) -> None:
    with pytest.raises(Unavailable):
        await work(pool, Away())


async def waited(db) -> None:
    """Let the time pass for which a request was put off."""
    await db.execute("UPDATE commerce.privacy_requests SET not_before = now()")


@pytest.mark.parametrize("topic", ["customers/redact", "shop/redact"])
async def test_without_the_broker_a_request_waits_and_others_are_done(db, pool, bus, topic):
    owner = await a_store(db, status="uninstalled")
    await buried(bus, pack([about(owner, "mine", customer={"id": CUSTOMER})]))
    await told(pool, asked(owner, topic))

    await works_until_away(pool)
    [waiting] = await requests(db)
    later = await privacy.work_once(pool, [bus])
    await waited(db)
    await work(pool, bus)

    assert (waiting["state"], waiting["result"]) == ("open", "dead letters are looked through")
    assert not later
    assert (await proof(db))["bus.dead"] == 1
    assert await still_dead(bus) == []


async def test_a_store_that_comes_back_before_keeps_its_dead_letters(db, pool, bus):
    owner = await a_store(db, status="uninstalled")
    await buried(bus, pack([about(owner, "mine", id=1)]))
    await told(pool, asked(owner, "shop/redact"))
    await works_until_away(pool)
    await waited(db)
    await db.execute("UPDATE accounts.stores SET status = 'active'")

    await work(pool, bus)

    assert [row["state"] for row in await requests(db)] == ["refused"]
    assert await still_dead(bus) == [["mine"]]


async def test_what_ended_meanwhile_is_not_opened_again(db, pool, monkeypatch):
    owner = await a_store(db)
    await told(pool, asked(owner, "customers/redact"))

    async def ended(*_: object) -> int:
        await db.execute("UPDATE commerce.privacy_requests SET state = 'done', names = '{}'")
        return 1

    monkeypatch.setattr(privacy_letters, "weed", ended)
    await work(pool)

    [row] = await requests(db)
    assert (row["state"], row["names"], row["step"]) == ("done", [], "dead")


async def test_letters_that_died_in_postgres_before_rabbitmq_came_are_found(db, pool, rabbit_url):
    owner = await a_store(db)
    before, bus = await open_bus("", pool), await open_bus(rabbit_url, pool)
    for one in (before, bus):
        await buried(one, pack([about(owner, "mine", customer={"id": CUSTOMER})]))

    await told(pool, asked(owner, "customers/redact"))
    await work(pool, *burying(bus, pool))

    assert await still_dead(before) == await still_dead(bus) == []
    assert (await proof(db))["bus.dead"] == 2
    for one in (before, bus):
        await one.close()


async def test_while_an_operator_looks_at_the_dead_a_redaction_waits(db, pool, rabbit_url):
    owner = await a_store(db)
    bus = await open_bus(rabbit_url, pool)
    await buried(bus, pack([about(owner, "mine", customer={"id": CUSTOMER})]))
    await told(pool, asked(owner, "customers/redact"))

    async with bus.dead_letters(DELIVERIES) as letters:
        async for _ in letters:
            with pytest.raises(Unavailable, match="somebody else"):
                await work(pool, bus)
    await waited(db)
    await work(pool, bus)

    assert await still_dead(bus) == []
    await bus.close()
