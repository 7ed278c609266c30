"""Endpoints as their owner manages them, with a real sender and a real receiver behind."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.syncer.outgoing import relay_once
from services.syncer.posting import Poster
from services.syncer.sending import Sender, send_due
from shared.keyring import KeyRing
from shared.postgres import close_pool, open_pool
from tests.integration.gateway.conftest import (
    ENCRYPTION_KEY,
    Gateway,
    Tenant,
    alba,
    gateway,
    make_tenant,
    open_gateway,
)
from tests.integration.outgoing.receiver_process import receiving

__all__ = ["alba", "gateway", "make_tenant", "open_gateway"]

PATH = "/api/v1/endpoints"


class Owner:
    """A tenant at the API, by its admin key."""

    def __init__(self, gateway: Gateway, tenant: Tenant) -> None:
        self.client = gateway.client
        self.headers = tenant.headers()

    async def ask(self, method: str, path: str = "", body: object = None) -> tuple[int, Any]:
        answer = await self.client.request(
            method, PATH + path, headers=self.headers, json=body if method != "GET" else None
        )
        return answer.status, await answer.json()

    async def add(self, url: str = "https://example.com/hook") -> dict[str, Any]:
        status, answer = await self.ask("POST", "", {"url": url})
        assert status == 201, answer
        return answer["data"]


@pytest.fixture
async def owner(gateway: Gateway, alba: Tenant, db) -> Owner:
    await db.execute("DELETE FROM accounts.webhook_endpoints")
    return Owner(gateway, alba)


@pytest.fixture
async def sender(dsn: str, db) -> AsyncIterator[Sender]:
    pool = await open_pool(dsn, role="tillstream_syncer", max_size=2)
    poster = Poster(anywhere=True, seconds=5)
    yield Sender(pool=pool, poster=poster, keys=KeyRing.parse(ENCRYPTION_KEY))
    await poster.close()
    await close_pool(pool)


async def test_a_ping_arrives_and_its_attempt_is_shown(owner: Owner, sender: Sender) -> None:
    made = await owner.add()
    one = f"/{made['endpoint_id']}"
    with receiving(made["secret"]) as receiver:
        await owner.ask("PUT", one, {"url": receiver.base + "/hook"})
        status, pinged = await owner.ask("POST", f"{one}/ping")
        assert (status, pinged["data"]["state"]) == (202, "waiting")

        await send_due(sender)

        assert [each["body"]["type"] for each in await receiver.taken()] == ["ping"]
    _, shown = await owner.ask("GET", f"{one}/messages/{pinged['data']['event_id']}")
    assert shown["data"]["state"] == "delivered"
    assert [each["status"] for each in shown["data"]["attempt_list"]] == [200]
    assert shown["data"]["body"]["type"] == "ping"


async def test_a_secret_is_shown_once_and_sealed(owner: Owner, db) -> None:
    made = await owner.add()

    _, listed = await owner.ask("GET")
    sealed = await db.fetchval("SELECT secret_enc FROM accounts.webhook_endpoints")

    assert made["secret"].startswith("whsec_")
    assert made["secret"] not in str(listed)
    assert made["secret"].removeprefix("whsec_") not in sealed


async def test_both_secrets_verify_until_the_overlap_ends(owner: Owner, sender: Sender) -> None:
    made = await owner.add()
    one = f"/{made['endpoint_id']}"
    _, rotated = await owner.ask("POST", f"{one}/rotate", {"overlap_hours": 1})
    assert rotated["data"]["secret"] != made["secret"]
    for secret in (made["secret"], rotated["data"]["secret"]):
        with receiving(secret) as receiver:
            await owner.ask("PUT", one, {"url": receiver.base + "/hook"})
            await owner.ask("POST", f"{one}/ping")
            await send_due(sender)
            assert len(await receiver.taken()) == 1

    await owner.ask("POST", f"{one}/rotate", {"overlap_hours": 0})
    with receiving(rotated["data"]["secret"]) as receiver:
        await owner.ask("PUT", one, {"url": receiver.base + "/hook"})
        await owner.ask("POST", f"{one}/ping")
        await send_due(sender)
        assert await receiver.taken() == []


async def test_what_failed_is_sent_again_under_its_id(owner: Owner, sender: Sender, db) -> None:
    made = await owner.add()
    one = f"/{made['endpoint_id']}"
    with receiving(made["secret"]) as receiver:
        await owner.ask("PUT", one, {"url": receiver.base + "/fail"})
        _, pinged = await owner.ask("POST", f"{one}/ping")
        await send_due(sender)
        await db.execute("UPDATE commerce.outgoing_messages SET state = 'failed'")
        await owner.ask("PUT", one, {"url": receiver.base + "/hook"})

        status, replayed = await owner.ask("POST", f"{one}/replay", {})
        assert (status, replayed["data"]) == (202, {"messages": 1})
        await send_due(sender)

        event_id = pinged["data"]["event_id"]
        assert [each["id"] for each in await receiver.taken()] == [event_id]
        _, again = await owner.ask("POST", f"{one}/replay", {"event_id": event_id})
        await send_due(sender)
        assert [each["id"] for each in await receiver.taken()] == [event_id, event_id]
    assert again["data"] == {"messages": 1}


async def test_a_disabled_one_is_not_pinged_in_vain(owner: Owner, db) -> None:
    made = await owner.add()
    one = f"/{made['endpoint_id']}"
    await owner.ask("POST", f"{one}/disable")

    status, refused = await owner.ask("POST", f"{one}/ping")

    assert (status, refused["code"]) == (409, "endpoint_disabled")
    assert await db.fetchval("SELECT count(*) FROM commerce.outgoing_messages") == 0


async def test_a_message_that_is_not_there_cannot_be_sent_again(owner: Owner) -> None:
    made = await owner.add()
    nothing = {"event_id": "00000000-0000-4000-8000-000000000000"}

    status, refused = await owner.ask("POST", f"/{made['endpoint_id']}/replay", nothing)

    assert (status, refused["code"]) == (404, "not_found")


async def test_a_replay_takes_the_time_it_is_given(owner: Owner, db) -> None:
    made = await owner.add()
    one = f"/{made['endpoint_id']}"
    for _ in range(3):
        await owner.ask("POST", f"{one}/ping")
    await db.execute("UPDATE commerce.outgoing_messages SET state = 'delivered'")

    counts = [
        (await owner.ask("POST", f"{one}/replay", {"states": ["delivered"], **span}))[1]["data"]
        for span in (
            {"created_to": "2020-01-01T00:00:00Z"},
            {"created_from": "2020-01-01T00:00:00Z"},
        )
    ]

    assert counts == [{"messages": 0}, {"messages": 3}]


async def test_a_disabled_one_gets_nothing_until_it_is_enabled(
    owner: Owner, sender: Sender
) -> None:
    made = await owner.add()
    one = f"/{made['endpoint_id']}"
    with receiving(made["secret"]) as receiver:
        await owner.ask("PUT", one, {"url": receiver.base + "/hook"})
        await owner.ask("POST", f"{one}/ping")
        _, disabled = await owner.ask("POST", f"{one}/disable")
        assert await send_due(sender) == 0

        await owner.ask("POST", f"{one}/enable")
        assert await send_due(sender) == 1
        assert len(await receiver.taken()) == 1
    assert disabled["data"]["disabled_reason"] == "by its owner"


async def test_an_owner_may_disable_what_failed_and_then_nothing_is_kept(owner: Owner, db) -> None:
    made = await owner.add()
    await db.execute(
        "UPDATE accounts.webhook_endpoints SET disabled_at = now(), disabled_reason = 'it failed',"
        " kept_until = now() + interval '1 day'"
    )

    _, disabled = await owner.ask("POST", f"/{made['endpoint_id']}/disable")

    assert disabled["data"]["disabled_reason"] == "by its owner"
    assert await db.fetchval("SELECT kept_until FROM accounts.webhook_endpoints") is None


async def test_a_deleted_one_takes_its_messages_along(owner: Owner, db) -> None:
    made = await owner.add()
    await owner.ask("POST", f"/{made['endpoint_id']}/ping")

    status, _ = await owner.ask("DELETE", f"/{made['endpoint_id']}")

    assert status == 200
    assert await db.fetchval("SELECT count(*) FROM commerce.outgoing_messages") == 0
    assert (await owner.ask("GET", f"/{made['endpoint_id']}"))[0] == 404


async def test_every_change_is_in_the_audit_log(owner: Owner, db) -> None:
    made = await owner.add()
    one = f"/{made['endpoint_id']}"
    await owner.ask("PUT", one, {"url": "https://example.com/other"})
    for what in ("rotate", "disable", "enable", "ping", "replay"):
        await owner.ask("POST", f"{one}/{what}", {})
    await owner.ask("DELETE", one)

    rows = await db.fetch("SELECT action FROM accounts.audit_log WHERE target = $1", one[1:])

    assert [row["action"].removeprefix("endpoint.") for row in rows] == [
        "added", "changed", "rotated", "disabled", "enabled", "pinged", "replayed", "deleted",
    ]  # fmt: skip


async def test_a_store_that_leaves_is_told(
    owner: Owner, gateway: Gateway, alba: Tenant, sender: Sender
) -> None:
    made = await owner.add()
    with receiving(made["secret"]) as receiver:
        await owner.ask("PUT", f"/{made['endpoint_id']}", {"url": receiver.base + "/hook"})
        path = f"/api/v1/shopify/stores/{alba.shop_id}"
        await gateway.client.delete(path, headers=alba.headers())

        await relay_once(sender.pool)
        await send_due(sender)

        (one,) = await receiver.taken()
    said = {name: one["body"][name] for name in ("type", "shop_domain", "status", "reason")}
    assert said == {
        "type": "store.left",
        "shop_domain": alba.shop_domain,
        "status": "disconnected",
        "reason": "by the merchant",
    }


async def test_there_are_at_most_twenty(owner: Owner) -> None:
    for _ in range(20):
        await owner.add()

    status, answer = await owner.ask("POST", "", {"url": "https://example.com/"})

    assert (status, answer["code"]) == (409, "too_many_endpoints")


async def test_an_unknown_type_of_event_is_refused(owner: Owner) -> None:
    body = {"url": "https://example.com/", "event_types": ["order.eaten"]}

    status, answer = await owner.ask("POST", "", body)

    assert (status, answer["code"]) == (400, "validation_failed")


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://10.0.0.1/", "https://[::1]/x", "https://[x]/"]
)
async def test_in_production_only_https_to_the_outside_is_taken(
    open_gateway: Any, make_tenant: Any, url: str
) -> None:
    opened = await open_gateway(
        app_env="production", public_base_url="https://till.example.com", shopify_base_url=""
    )
    owner = Owner(opened, await make_tenant(opened, f"p{uuid.uuid4().hex[:8]}"))

    status, answer = await owner.ask("POST", "", {"url": url})

    assert (status, answer["code"]) == (400, "bad_url")
