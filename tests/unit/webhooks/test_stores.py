"""What the service remembers about stores, and for how long."""

from __future__ import annotations

import asyncio

import pytest

from services.webhooks import stores
from services.webhooks.domain import Store
from services.webhooks.stores import KNOWN_SECONDS, UNKNOWN_SECONDS, StoreBook
from shared.errors import Unavailable

STORE = Store(tenant_id="t", shop_id=1, shop_domain="a.myshopify.com", status="active")


class Register:
    """Stores by domain, as the database has them; counts how often it is asked."""

    def __init__(self, *known: Store) -> None:
        self.known = {store.shop_domain: store for store in known}
        self.asked = 0
        self.away = False

    async def __call__(self, shop_domain: str) -> Store | None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("the database is away")
        return self.known.get(shop_domain)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_known_store_is_looked_up_once_per_term(clock: Clock):
    register = Register(STORE)
    book = StoreBook(register, clock=clock)

    found = [await book.store(STORE.shop_domain) for _ in range(3)]
    clock.seconds = KNOWN_SECONDS
    await book.store(STORE.shop_domain)

    assert found == [STORE] * 3
    assert register.asked == 2


async def test_a_store_that_connects_is_known_within_seconds(clock: Clock):
    register = Register()
    book = StoreBook(register, clock=clock)
    before = [await book.store(STORE.shop_domain) for _ in range(3)]
    register.known[STORE.shop_domain] = STORE
    clock.seconds = UNKNOWN_SECONDS

    assert await book.store(STORE.shop_domain) == STORE
    assert before == [None] * 3
    assert register.asked == 2


async def test_many_at_once_share_one_look_up(clock: Clock):
    register = Register(STORE)
    book = StoreBook(register, clock=clock)

    found = await asyncio.gather(*(book.store(STORE.shop_domain) for _ in range(50)))

    assert found == [STORE] * 50
    assert register.asked == 1


async def test_a_known_store_stays_known_while_the_database_is_away(clock: Clock):
    register = Register(STORE)
    book = StoreBook(register, clock=clock)
    await book.store(STORE.shop_domain)
    register.away = True
    clock.seconds = 10 * KNOWN_SECONDS

    assert await book.store(STORE.shop_domain) == STORE
    with pytest.raises(Unavailable):
        await book.store("b.myshopify.com")


async def test_a_slow_look_up_goes_on_after_its_delivery_was_refused(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stores, "PATIENCE_SECONDS", 0.01)
    answered = asyncio.Event()
    asked: list[str] = []

    async def slowly(shop_domain: str) -> Store | None:
        asked.append(shop_domain)
        await answered.wait()
        return STORE

    book = StoreBook(slowly, clock=clock)
    with pytest.raises(Unavailable):
        await book.store(STORE.shop_domain)
    answered.set()

    assert await book.store(STORE.shop_domain) == STORE
    assert asked == [STORE.shop_domain]


async def test_the_memory_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stores, "MOST_REMEMBERED", 10)
    register = Register(STORE)
    book = StoreBook(register, clock=clock)
    await book.store(STORE.shop_domain)

    for number in range(10):
        await book.store(f"stranger-{number}.myshopify.com")
    asked = register.asked
    await book.store("stranger-9.myshopify.com")
    assert register.asked == asked
    await book.store(STORE.shop_domain)

    assert register.asked == asked + 1
