"""A notice of the uninstall is only a reason to ask Shopify, which the simulator answers for."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime, timedelta

import pytest

from services.gateway import departures
from services.gateway.handlers.stores import on_store_left
from services.gateway.metrics import DEPARTURES_TOTAL
from services.gateway.shopify import SHOPIFY
from shared.bus.connect import BUS
from shared.bus.topology import STORES
from shared.clock import now
from shared.errors import Rejected, Unavailable
from shared.events import StoreLeft
from shared.shopify.snapshots import Owner
from tests.integration.gateway.test_oauth_flow import a_tenant, connect


class Connected:
    """A store, and the notices that arrive about it."""

    def __init__(self, gateway, db, tenant_id, shop_id):
        self.app, self.pool, self.db = gateway.client.server.app, gateway.pool, db
        self.tenant_id, self.shop_id = tenant_id, shop_id
        self.owner = Owner(tenant_id=tenant_id, shop_id=shop_id)

    def notice(self, at: datetime | None = None) -> StoreLeft:
        return StoreLeft(
            id=uuid.uuid4(), tenant_id=self.tenant_id, shop_id=self.shop_id,
            happened_at=at or now(), status="uninstalled", reason="app/uninstalled",
        )  # fmt: skip

    async def hears(self, at: datetime | None = None, *, attempt: int = 2) -> None:
        shopify = self.app[SHOPIFY]
        await on_store_left(self.notice(at), pool=self.pool, shopify=shopify, attempt=attempt)

    async def published(self) -> None:
        event = self.notice()
        await self.app[BUS].publish(event.kind, event.model_dump_json().encode())

    async def status(self) -> str:
        return await self.db.fetchval("SELECT status FROM accounts.stores")

    async def tokens(self) -> int:
        return await self.db.fetchval("SELECT count(*) FROM accounts.credentials")


@pytest.fixture
async def store(connected, simulator, db):
    tenant_id, headers = await a_tenant(connected)
    found = await connect(connected, simulator.shop, headers)
    return Connected(connected, db, tenant_id, found["shop_id"])


def counted(outcome: str) -> float:
    return DEPARTURES_TOTAL.labels(outcome)._value.get()


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_a_store_that_shopify_still_serves_is_kept_whatever_a_notice_says(store):
    before = counted("alive")

    await store.hears()

    assert (await store.status(), await store.tokens()) == ("active", 1)
    assert counted("alive") == before + 1


async def test_a_notice_that_is_faster_than_the_end_of_the_token_is_looked_at_again(
    store, simulator
):
    for attempt in (0, 1):
        with pytest.raises(Unavailable, match="serves the store still"):
            await store.hears(attempt=attempt)
    await simulator.control(f"/shops/{simulator.shop}/revoke")
    await store.hears(attempt=2)

    assert (await store.status(), await store.tokens()) == ("uninstalled", 0)


async def test_a_store_whose_token_shopify_refuses_loses_it_once(store, simulator, db):
    await simulator.control(f"/shops/{simulator.shop}/revoke")

    await store.hears(now() - timedelta(hours=1))
    kept = (await store.status(), await store.tokens())
    for _ in range(2):
        await store.published()
    await until(lambda: db.fetchval("SELECT status <> 'active' FROM accounts.stores"))

    assert kept == ("active", 1), "the store was connected after that notice"
    assert (await store.status(), await store.tokens()) == ("uninstalled", 0)
    audited = "SELECT count(*) FROM accounts.audit_log WHERE action = 'store.uninstalled'"
    assert await db.fetchval(audited) == 1


async def test_a_poll_that_was_refused_first_does_not_keep_the_tokens(store, simulator, db):
    await simulator.control(f"/shops/{simulator.shop}/revoke")
    await db.execute("UPDATE accounts.stores SET status = 'reauth_required'")

    await store.hears()

    assert (await store.status(), await store.tokens()) == ("uninstalled", 0)


async def test_a_token_that_has_ended_is_renewed_before_it_is_tried(store, simulator, db):
    """Refused it would be, installed or not."""
    await db.execute("UPDATE accounts.credentials SET expires_at = now() - interval '1 hour'")

    await store.hears()
    alive = await store.status()
    await db.execute("UPDATE accounts.credentials SET expires_at = now() - interval '1 hour'")
    await simulator.control(f"/shops/{simulator.shop}/revoke")
    await store.hears()

    assert (alive, await store.status(), await store.tokens()) == ("active", "uninstalled", 0)


async def test_a_token_that_has_ended_and_that_nothing_renews_is_no_loss(store, db):
    await db.execute(
        "UPDATE accounts.credentials SET expires_at = now() - interval '1 hour',"
        " refresh_token_enc = NULL, access_token_enc = $1",
        store.app[SHOPIFY].ring.seal(
            "shpat_dead", tenant_id=store.tenant_id, shop_id=store.shop_id, purpose="access_token"
        ),
    )

    await store.hears()

    assert (await store.status(), await store.tokens()) == ("uninstalled", 0)


async def test_while_our_own_secret_is_wrong_nothing_is_confirmed(store, simulator, db):
    await db.execute("UPDATE accounts.credentials SET expires_at = now() - interval '1 hour'")
    await simulator.control("/faults", {"oauth": {"status": 400}})

    with pytest.raises(Rejected):
        await store.hears()

    assert (await store.status(), await store.tokens()) == ("active", 1)


async def test_a_refusal_that_does_not_speak_of_the_token_confirms_nothing(store, simulator):
    before = counted("forbidden")
    await simulator.control("/faults", {"admin": {"status": {"403": 1}}})

    await store.hears()

    assert (await store.status(), await store.tokens()) == ("active", 1)
    assert counted("forbidden") == before + 1


async def test_a_silent_shopify_is_asked_again_later_while_others_are_heard(store, simulator, db):
    await simulator.control("/faults", {"admin": {"status": {"503": 1}}})
    await store.published()
    await until(lambda: db.fetchval("SELECT count(*) FROM bus.messages WHERE attempts = 1"))

    kept = (await store.status(), await store.tokens())
    await simulator.control("/faults", {})
    await simulator.control(f"/shops/{simulator.shop}/revoke")
    await db.execute("UPDATE bus.messages SET available_at = now()")
    await until(lambda: db.fetchval("SELECT status <> 'active' FROM accounts.stores"))

    assert kept == ("active", 1)
    assert await store.tokens() == 0


async def test_a_token_that_cannot_be_read_is_an_operators_matter(store, db):
    await db.execute("UPDATE accounts.credentials SET access_token_enc = 'v1.lost.AAAA'")

    with pytest.raises(Rejected):
        await store.hears()
    await store.published()
    await until(lambda: store.app[BUS].dead(STORES))

    assert (await store.status(), await store.tokens()) == ("active", 1)


async def test_a_token_made_meanwhile_is_not_the_one_that_was_refused(store, db):
    async with store.pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT set_config('app.tenant_id', $1, true)", store.tenant_id)

        with pytest.raises(Unavailable) as raised:
            await departures.check_same(conn, store.owner, "another, refused before")

    assert raised.value.code == "token_changed"
