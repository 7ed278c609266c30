"""A store's webhook subscriptions: made right, listed, chosen; and the secret of its own."""

from __future__ import annotations

import json

import pytest

from services.gateway.shopify import SHOPIFY
from tests.integration.gateway import rows
from tests.integration.gateway.test_syncing import owned

SECRET = "secret-of-the-shop's-own-admin"
QUEUED = "SELECT count(*) FROM commerce.sync_jobs WHERE kind = 'shop' AND status = 'queued'"


@pytest.fixture
async def ask(gateway, alba, db):
    """Ask about the webhooks of alba's store, which has a token."""
    await rows.insert(db, "accounts.credentials", **owned(alba), grant_type="static_token")

    async def asked(method, path, body=None, *, scope="write", base=f"stores/{alba.shop_id}/"):
        answer = await gateway.client.request(
            method,
            f"/api/v1/shopify/{base}webhooks/{path}",
            headers=alba.headers(scope),
            json=body,
        )
        return answer.status, await answer.json()

    return asked


async def audited(db):
    found = await db.fetch(
        "SELECT action, details FROM accounts.audit_log WHERE action LIKE 'store.%'"
        " ORDER BY entry_id"
    )
    return [(row["action"], json.loads(row["details"])) for row in found]


async def test_a_setup_lists_what_there_is_and_queues_the_job_once(ask, db):
    answers = [await ask("POST", "setup", {}) for _ in range(2)]

    assert [status for status, _ in answers] == [202, 202]
    assert answers[0][1]["data"]["job"]["kind"] == "shop"
    assert answers[0][1]["data"]["job"]["job_id"] == answers[1][1]["data"]["job"]["job_id"]
    (held,) = answers[0][1]["data"]["webhooks"]
    assert (held["id"], held["topic"], held["address"]) == (
        str(rows.SUBSCRIPTION), "ORDERS_CREATE", "https://alba.example/"
    )  # fmt: skip
    assert await db.fetchval(QUEUED) == 1
    assert await db.fetchval("SELECT count(*) FROM bus.messages WHERE topic = 'sync.requested'")


async def test_a_store_that_has_left_is_not_set_up(ask, db):
    await db.execute("UPDATE accounts.stores SET status = 'uninstalled'")

    status, body = await ask("POST", "setup", {})

    assert (status, body["code"]) == (409, "store_not_active")


async def test_a_secret_is_kept_sealed_never_shown_and_forgotten_again(ask, gateway, alba, db):
    held = "SELECT webhook_secret_enc FROM accounts.credentials"

    status, body = await ask("POST", "setup", {"webhook_secret": SECRET}, scope="admin")
    sealed = await db.fetchval(held)
    await ask("POST", "setup", {}, scope="admin")
    kept = await db.fetchval(held)
    await ask("POST", "setup", {"webhook_secret": None}, scope="admin")

    opened = gateway.client.server.app[SHOPIFY].ring.open(
        sealed, tenant_id=alba.tenant_id, shop_id=alba.shop_id, purpose="webhook_secret"
    )
    assert (status, opened, kept) == (202, SECRET, sealed)
    assert await db.fetchval(held) is None
    said = await audited(db)
    assert [action for action, _ in said] == [
        "store.webhook_secret_set", "store.webhook_secret_forgotten"
    ]  # fmt: skip
    assert SECRET not in f"{body}{said}"


@pytest.mark.parametrize("secret", ["short", "with a space in its middle", "x" * 256, 7])
async def test_what_is_no_secret_is_refused_without_being_repeated(ask, secret):
    status, body = await ask("POST", "setup", {"webhook_secret": secret}, scope="admin")

    assert (status, body["code"]) == (400, "validation_failed")
    assert str(secret) == "7" or str(secret) not in str(body)


async def test_a_secret_needs_the_scope_admin(ask, db):
    status, body = await ask("POST", "setup", {"webhook_secret": SECRET})

    assert (status, body["code"]) == (403, "insufficient_scope")
    assert await db.fetchval(QUEUED) == 0


async def test_topics_say_their_scope_whether_chosen_and_whether_subscribed(ask, db):
    await db.execute("UPDATE accounts.stores SET topics = '{orders/update,ORDERS_CREATE}'")

    status, body = await ask("GET", "topics", scope="read")

    topics = {one.pop("topic"): one for one in body["data"]}
    assert status == 200
    assert topics["ORDERS_CREATE"] == {
        "scope": "read_orders", "is_chosen": True, "is_subscribed": True
    }  # fmt: skip
    assert topics["ORDERS_UPDATED"]["is_chosen"]
    assert not topics["PRODUCTS_CREATE"]["is_chosen"]
    assert topics["APP_UNINSTALLED"] == {"scope": None, "is_chosen": True, "is_subscribed": False}


async def test_a_topic_is_chosen_and_left_out_again(ask, db):
    await db.execute("UPDATE accounts.stores SET topics = '{orders/create}'")

    status, body = await ask("POST", "subscriptions", {"topic": "products/update"})
    again, _ = await ask("POST", "subscriptions", {"topic": "PRODUCTS_UPDATE"})
    chosen = await db.fetchval("SELECT topics FROM accounts.stores")
    gone, left = await ask("DELETE", f"subscriptions/{rows.SUBSCRIPTION}")

    assert (status, again, gone) == (202, 202, 202)
    assert body["data"] == {
        "topic": "PRODUCTS_UPDATE", "scope": "read_products",
        "is_chosen": True, "is_subscribed": False,
    }  # fmt: skip
    assert chosen == ["orders/create", "PRODUCTS_UPDATE"]
    assert (left["data"]["topic"], left["data"]["is_chosen"]) == ("ORDERS_CREATE", False)
    assert await db.fetchval("SELECT topics FROM accounts.stores") == ["PRODUCTS_UPDATE"]
    assert await db.fetchval(QUEUED) == 1
    assert [action for action, _ in await audited(db)] == ["store.topics_chosen"] * 3


async def test_leaving_one_out_of_all_keeps_every_other(ask, db):
    before = await ask("POST", "subscriptions", {"topic": "orders/create"})
    chosen = await db.fetchval("SELECT topics FROM accounts.stores")
    await ask("DELETE", f"subscriptions/{rows.SUBSCRIPTION}")

    _, body = await ask("GET", "topics")

    assert (before[1]["data"]["is_chosen"], chosen) == (True, None)
    assert [one["topic"] for one in body["data"] if not one["is_chosen"]] == ["ORDERS_CREATE"]


async def test_what_does_not_exist_or_must_stay_is_refused(ask, db):
    unknown = await ask("POST", "subscriptions", {"topic": "orders/dreamt"})
    missing = await ask("DELETE", "subscriptions/1")
    await db.execute("UPDATE commerce.webhook_subscriptions SET topic = 'APP_UNINSTALLED'")
    needed = await ask("DELETE", f"subscriptions/{rows.SUBSCRIPTION}")

    assert [(status, body["code"]) for status, body in (unknown, missing, needed)] == [
        (400, "unknown_topic"), (404, "not_found"), (409, "topic_required")
    ]  # fmt: skip


async def test_without_a_store_in_the_path_the_only_one_is_meant(ask, alba, db):
    alone = {
        path: await ask("GET", path, base="") for path in ("subscriptions", "topics", "events")
    }
    await db.execute("UPDATE accounts.stores SET status = 'disconnected'")
    none, _ = await ask("GET", "topics", base="")
    await db.execute("UPDATE accounts.stores SET status = 'active'")
    await rows.insert(
        db, "accounts.stores", tenant_id=owned(alba)["tenant_id"], shop_domain="b.myshopify.com"
    )
    several, body = await ask("GET", "topics", base="")

    for path, answer in alone.items():
        assert answer == await ask("GET", path)
        assert answer[0] == 200
    assert (none, several, body["code"]) == (404, 409, "several_stores")
