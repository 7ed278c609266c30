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


def a_store(number: int) -> Store:
    domain = f"shop-{number}.myshopify.com"
    return Store(tenant_id="t", shop_id=number, shop_domain=domain, status="active")


async def test_beyond_what_is_remembered_the_store_looked_up_least_lately_is_forgotten(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stores, "MOST_REMEMBERED", 3)
    known = [a_store(number) for number in range(4)]
    register = Register(*known)
    book = StoreBook(register, clock=clock)
    for store in known[:3]:
        await book.store(store.shop_domain)
    clock.seconds = KNOWN_SECONDS
    await book.store(known[0].shop_domain)

    await book.store(known[3].shop_domain)

    remembered = [book.remembered(store.shop_domain) for store in known]
    assert remembered == [known[0], None, known[2], known[3]]


async def test_domains_without_a_store_push_no_store_out_of_memory(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stores, "MOST_REMEMBERED", 10)
    register = Register(STORE)
    book = StoreBook(register, clock=clock)
    await book.store(STORE.shop_domain)

    for number in range(50):
        await book.store(f"stranger-{number}.myshopify.com")

    assert book.remembered(STORE.shop_domain) == STORE


async def test_domains_without_a_store_are_remembered_in_bounds(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stores, "MOST_UNKNOWN", 10)
    register = Register()
    book = StoreBook(register, clock=clock)
    for number in range(11):
        await book.store(f"stranger-{number}.myshopify.com")
    asked = register.asked

    await book.store("stranger-10.myshopify.com")
    assert register.asked == asked
    await book.store("stranger-0.myshopify.com")
    assert register.asked == asked + 1


async def test_a_store_that_is_gone_is_not_remembered(clock: Clock):
    register = Register(STORE)
    book = StoreBook(register, clock=clock)
    await book.store(STORE.shop_domain)
    register.known.clear()
    clock.seconds = KNOWN_SECONDS

    assert await book.store(STORE.shop_domain) is None
    assert book.remembered(STORE.shop_domain) is None
    clock.seconds += UNKNOWN_SECONDS
    register.away = True
    with pytest.raises(Unavailable):
        await book.store(STORE.shop_domain)
