"""Signed webhooks: taken by a real receiver, tried again, given up, and never led inside."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from services.syncer.domain.outgoing import LADDER_SECONDS
from services.syncer.outgoing import relay_once
from services.syncer.posting import Poster
from services.syncer.sending import Sender, send, send_due
from shared.keyring import KeyRing, generate_key
from shared.outgoing_webhooks import new_secret
from shared.postgres import Pool
from tests.integration.outgoing.conftest import save
from tests.integration.outgoing.receiver_process import Receiver, receiving
from tests.integration.syncer.objects import TENANT, a_customer, an_order

SECRET = new_secret()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(SECRET) as started:
        yield started


class Clock:
    def __init__(self) -> None:
        # A little ahead of the database, so that what is queued is due.
        self.at = datetime.now(UTC) + timedelta(seconds=30)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys() -> KeyRing:
    return KeyRing.parse(generate_key())


@pytest.fixture
async def sender(quiet_pool: Pool, keys: KeyRing, clock: Clock) -> AsyncIterator[Sender]:
    poster = Poster(anywhere=True, seconds=3)
    yield Sender(pool=quiet_pool, poster=poster, keys=keys, clock=clock)
    await poster.close()


async def add_endpoint(
    db: asyncpg.Connection,
    keys: KeyRing,
    url: str,
    *,
    secret: str = SECRET,
    former: str | None = None,
    types: list[str] | None = None,
) -> uuid.UUID:
    endpoint_id = uuid.uuid4()

    def sealed(plain: str | None) -> str | None:
        purpose = f"endpoint {endpoint_id}"
        return plain and keys.seal(plain, tenant_id=TENANT, shop_id=0, purpose=purpose)

    await db.execute(
        "INSERT INTO accounts.webhook_endpoints (tenant_id, endpoint_id, url, event_types,"
        " secret_enc, former_secret_enc, former_secret_until)"
        " VALUES ($1, $2, $3, $4, $5, $6, now() + interval '1 day')",
        *(uuid.UUID(TENANT), endpoint_id, url, types, sealed(secret), sealed(former)),
    )
    return endpoint_id


async def told(pool: Pool, *facts: object) -> None:
    await save(pool, *facts)
    await relay_once(pool)


async def states(db: asyncpg.Connection) -> list[str]:
    return [row["state"] for row in await db.fetch("SELECT state FROM commerce.outgoing_messages")]


async def test_a_receiver_takes_what_it_asked_for(sender, receiver, db, keys, quiet_pool) -> None:
    await add_endpoint(db, keys, receiver.base + "/hook", types=["order.changed"])
    await told(quiet_pool, an_order(1, 1), a_customer(2, 1))

    assert await send_due(sender) == 1

    (one,) = await receiver.taken()
    assert (one["body"]["type"], one["body"]["object_id"]) == ("order.changed", 1)
    assert one["id"] == one["body"]["id"]
    row = await db.fetchrow("SELECT * FROM commerce.outgoing_attempts")
    assert (row["status"], row["error"], row["excerpt"]) == (200, None, "thanks")
    assert await states(db) == ["delivered"]


@pytest.mark.parametrize("which", ["new", "former"])
async def test_while_a_secret_is_changed_both_verify(
    which: str, sender, receiver, db, keys, quiet_pool
) -> None:
    other = new_secret()
    pair = (
        {"secret": SECRET, "former": other}
        if which == "new"
        else {"secret": other, "former": SECRET}
    )
    await add_endpoint(db, keys, receiver.base + "/hook", **pair)
    await told(quiet_pool, an_order(1, 1))

    await send_due(sender)

    assert len(await receiver.taken()) == 1


async def test_what_fails_is_tried_by_the_ladder_and_then_given_up(
    sender, receiver, db, keys, quiet_pool, clock
) -> None:
    await add_endpoint(db, keys, receiver.base + "/fail")
    await told(quiet_pool, an_order(1, 1))
    clock.advance(1)

    for seconds in LADDER_SECONDS:
        assert await send_due(sender) == 1
        assert await send_due(sender) == 0
        clock.advance(seconds)
    assert await send_due(sender) == 1
    clock.advance(10 * 86_400)
    assert await send_due(sender) == 0

    assert await states(db) == ["failed"]
    rows = await db.fetch("SELECT status, error, excerpt FROM commerce.outgoing_attempts")
    assert {(row["status"], row["error"]) for row in rows} == {(500, "answered 500")}
    assert len(rows) == len(LADDER_SECONDS) + 1
    assert len(rows[0]["excerpt"]) <= 1000


async def test_an_endpoint_that_took_nothing_for_five_days_is_disabled(
    sender, receiver, db, keys, quiet_pool, clock
) -> None:
    await add_endpoint(db, keys, receiver.base + "/fail")
    await told(quiet_pool, an_order(1, 1))
    clock.advance(1)
    await send_due(sender)

    clock.advance(5 * 86_400)
    await send_due(sender)
    await told(quiet_pool, an_order(2, 1))
    clock.advance(10 * 86_400)

    assert await send_due(sender) == 0
    row = await db.fetchrow("SELECT * FROM accounts.webhook_endpoints")
    assert row["disabled_at"] is not None
    assert row["disabled_reason"] == "nothing was taken for 5 days; last: answered 500"


async def test_an_endpoint_that_failed_gets_what_came_since_once_it_is_enabled(
    sender, receiver, db, keys, quiet_pool, clock
) -> None:
    await add_endpoint(db, keys, receiver.base + "/fail")
    await told(quiet_pool, an_order(1, 1))
    clock.advance(1)
    for _ in range(2):
        await send_due(sender)
        clock.advance(5 * 86_400)
    await told(quiet_pool, an_order(2, 1))
    assert await send_due(sender) == 0

    await db.execute(
        "UPDATE accounts.webhook_endpoints SET disabled_at = NULL, failing_since = NULL, url = $1",
        receiver.base + "/hook",
    )
    # The receiver takes nothing that is signed for another day.
    clock.advance(-10 * 86_400)
    await send_due(sender)

    assert [one["body"]["object_id"] for one in await receiver.taken()] == [2]


@pytest.mark.parametrize("kept_until", [None, datetime(2026, 1, 1, tzinfo=UTC)])
async def test_for_an_endpoint_that_is_gone_or_long_disabled_nothing_is_kept(
    kept_until, db, keys, quiet_pool
) -> None:
    await add_endpoint(db, keys, "https://example.com/hook")
    await db.execute(
        "UPDATE accounts.webhook_endpoints SET disabled_at = now(), kept_until = $1", kept_until
    )

    await save(quiet_pool, an_order(1, 1))

    assert await relay_once(quiet_pool) == 0


async def test_one_that_says_gone_is_disabled_at_once(
    sender, receiver, db, keys, quiet_pool
) -> None:
    await add_endpoint(db, keys, receiver.base + "/gone")
    await told(quiet_pool, an_order(1, 1))

    await send_due(sender)

    row = await db.fetchrow("SELECT * FROM accounts.webhook_endpoints")
    assert (row["disabled_reason"], row["kept_until"]) == ("it answered 410 Gone", None)


async def test_redirects_are_not_followed(sender, receiver, db, keys, quiet_pool) -> None:
    await add_endpoint(db, keys, receiver.base + "/away")
    await told(quiet_pool, an_order(1, 1))

    await send_due(sender)

    assert await receiver.taken() == []
    assert await db.fetchval("SELECT error FROM commerce.outgoing_attempts") == "answered 302"


async def test_an_endpoint_that_hangs_holds_up_no_other(
    sender, receiver, db, keys, quiet_pool
) -> None:
    await add_endpoint(db, keys, receiver.base + "/hang")
    await add_endpoint(db, keys, receiver.base + "/hook")
    await told(quiet_pool, *(an_order(number, 1) for number in range(1, 21)))
    stop = asyncio.Event()
    working = asyncio.create_task(send(sender, stop))

    async with asyncio.timeout(30):
        while len(await receiver.taken()) < 20:
            await asyncio.sleep(0.05)

    stop.set()
    await working


@pytest.mark.parametrize("url", ["https://localhost/hook", "https://127.0.0.1/hook"])
async def test_in_production_no_name_leads_inside(url: str) -> None:
    poster = Poster(anywhere=False)

    attempt = await poster.post(url, b"{}", {})

    await poster.close()
    assert attempt.status is None
    assert "private network" in str(attempt.error)
