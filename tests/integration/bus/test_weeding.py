"""Who must not stay among the dead: what is too old, and what was erased; asked of both buses."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import aio_pika
import pytest

from shared.bus.dead import Wanted, expire, replay, weed
from shared.bus.protocol import Bus
from shared.bus.rabbitmq import RabbitBus
from shared.bus.topology import DELIVERY_LIMIT
from shared.deliveries import Delivery, pack, unpack
from shared.errors import Unavailable
from tests.integration.bus.conftest import BINDINGS, DELAYS, Open
from tests.integration.bus.test_conformance import Recorder, consumed, until
from tests.integration.bus.test_operating import LEDGER, _is, bodies, buried, the_dead


def a_delivery(shop_id: int, webhook_id: str = "w") -> Delivery:
    return Delivery("t", shop_id, "tea.myshopify.com", "carts/update", webhook_id, *[""] * 4, b"{}")


def of_shop_1(delivery: Delivery) -> bool:
    return delivery.shop_id == 1


async def test_what_died_long_ago_is_forgotten(bus: Bus):
    await buried(bus, b"1", b"2")
    await asyncio.sleep(0.01)
    between = datetime.now(UTC)
    await asyncio.sleep(0.01)
    await buried(bus, b"3")

    assert await expire(bus, LEDGER, before=between - timedelta(days=1)) == 0
    assert await expire(bus, LEDGER, before=between) == 2
    assert bodies(await the_dead(bus)) == [b"3"]


async def test_what_is_doomed_leaves_its_message_and_the_rest_stays_as_it_was(bus: Bus):
    mixed, whole, other = (
        pack([a_delivery(shop) for shop in shops]) for shops in ((1, 2, 1), (1, 1), (2,))
    )
    await buried(bus, mixed, whole, b"not a batch", other)
    before = await the_dead(bus)

    assert await weed(bus, LEDGER, of_shop_1) == 4

    after = await the_dead(bus)
    [kept] = unpack(after[0].message.body)
    assert kept == a_delivery(2)
    assert bodies(after[1:]) == [b"not a batch", other]
    assert [one.dead_id for one in after] == [before[n].dead_id for n in (0, 2, 3)]
    told = ("reason", "published_at", "first_failed_at", "died_at")
    assert [getattr(after[0], name) for name in told] == [getattr(before[0], name) for name in told]
    assert after[0].message.headers == before[0].message.headers
    assert await weed(bus, LEDGER, of_shop_1) == 0


async def test_what_is_left_of_a_message_can_be_replayed(bus: Bus):
    await buried(bus, pack([a_delivery(1), a_delivery(2, "kept")]))
    await weed(bus, LEDGER, of_shop_1)

    assert await replay(bus, LEDGER, Wanted()) == 1

    handler = Recorder()
    async with consumed(bus, handler):
        await until(lambda: bool(handler.messages))
    [message] = handler.messages
    assert [one.webhook_id for one in unpack(message.body)] == ["kept"]
    assert message.headers["x-replayed"] == "1"


async def test_weeding_that_is_cut_off_is_done_again_and_nobody_else_loses_anything(bus: Bus):
    letters = [pack([a_delivery(1), a_delivery(2, f"kept {n}")]) for n in range(10)]
    await buried(bus, *letters)
    asked = 0

    def cut_off(delivery: Delivery) -> bool:
        nonlocal asked
        asked += 1
        if asked == 12:
            raise ConnectionError
        return of_shop_1(delivery)

    with pytest.raises(ConnectionError):
        await weed(bus, LEDGER, cut_off)
    await until(lambda: _is(bus.dead(LEDGER), 10))
    await weed(bus, LEDGER, of_shop_1)

    said = [unpack(body) for body in bodies(await the_dead(bus))]
    assert [[one.webhook_id for one in batch] for batch in said] == [
        [f"kept {n}"] for n in range(10)
    ]


@pytest.fixture
async def rabbit(amqp_url: str, rabbit_prefix: str) -> RabbitBus:
    return RabbitBus(amqp_url, prefix=rabbit_prefix, bindings=BINDINGS, delays=DELAYS)


async def test_on_rabbitmq_it_waits_for_other_visitors_and_does_not_disturb_them(
    rabbit: RabbitBus,
):
    await buried(rabbit, *(pack([a_delivery(1, str(n))]) for n in range(3)))
    seen = []

    async with rabbit.dead_letters(LEDGER) as letters:
        async for letter in letters:
            for asked in (weed(rabbit, LEDGER, of_shop_1), expire(rabbit, LEDGER, before=_now())):
                with pytest.raises(Unavailable, match="somebody else"):
                    await asked
            seen.append(letter)

    assert len(seen) == 3
    assert await weed(rabbit, LEDGER, of_shop_1) == 3
    await rabbit.close()


async def test_on_rabbitmq_it_notices_who_comes_in_between_and_takes_some(
    rabbit: RabbitBus, amqp_url: str, rabbit_prefix: str
):
    await buried(rabbit, *(pack([a_delivery(1, str(n))]) for n in range(3)))
    async with await aio_pika.connect(amqp_url) as connection:
        queue = await (await connection.channel()).get_queue(f"{rabbit_prefix}{LEDGER}.dead.v2")

        async def visit() -> None:
            async with rabbit.dead_letters(LEDGER, alone=True) as letters:
                async for _ in letters:
                    await queue.get(fail=False)

        with pytest.raises(Unavailable, match="somebody else"):
            await visit()

    await until(lambda: _is(rabbit.dead(LEDGER), 3))
    assert await weed(rabbit, LEDGER, of_shop_1) == 3
    await rabbit.close()


async def test_on_rabbitmq_what_the_broker_gave_up_keeps_its_reason_and_its_moment(
    rabbit: RabbitBus, amqp_url: str, rabbit_prefix: str
):
    await rabbit.publish("fruit.sold", pack([a_delivery(1), a_delivery(2)]))
    async with await aio_pika.connect(amqp_url) as connection:
        queue = await (await connection.channel()).get_queue(rabbit_prefix + LEDGER)
        for _ in range(DELIVERY_LIMIT + 1):
            await (await queue.get()).nack()
        await until(lambda: _is(rabbit.dead(LEDGER), 1))
    [before] = await the_dead(rabbit)

    assert await weed(rabbit, LEDGER, of_shop_1) == 1

    [after] = await the_dead(rabbit)
    assert unpack(after.message.body) == [a_delivery(2)]
    assert (after.reason, after.died_at) == ("delivery limit reached", before.died_at)
    assert await expire(rabbit, LEDGER, before=_now() - timedelta(hours=1)) == 0
    assert await expire(rabbit, LEDGER, before=_now()) == 1
    await rabbit.close()


async def test_many_visits_in_a_row_do_not_take_each_other_for_somebody_else(bus: Bus):
    for _ in range(10):
        assert await weed(bus, LEDGER, of_shop_1) == 0


async def test_two_who_want_to_be_alone_lose_nothing(open_bus: Open):
    one, other = open_bus(), open_bus()
    await buried(one, *(pack([a_delivery(1, str(n)), a_delivery(2, str(n))]) for n in range(20)))

    tried = await asyncio.gather(
        weed(one, LEDGER, of_shop_1), weed(other, LEDGER, of_shop_1), return_exceptions=True
    )
    await weed(one, LEDGER, of_shop_1)

    assert all(isinstance(one, int | Unavailable) for one in tried)
    said = [unpack(body) for body in bodies(await the_dead(one))]
    assert [[(one.shop_id, one.webhook_id) for one in batch] for batch in said] == [
        [(2, str(n))] for n in range(20)
    ]


def _now() -> datetime:
    return datetime.now(UTC)
