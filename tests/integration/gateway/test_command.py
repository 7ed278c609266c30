"""The operator's commands and the service itself, as processes."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

import pytest

from services.gateway.command import create_key, create_tenant
from shared.keyring import KeyRing
from tests.integration.gateway import rows
from tests.integration.gateway.conftest import CLIENT_SECRET, ENCRYPTION_KEY


@pytest.fixture
def run(dsn, db):
    environment = os.environ | {
        "APP_ENV": "test", "DATABASE_URL": dsn, "AMQP_URL": "", "SHOPIFY_CLIENT_ID": "client",
        "SHOPIFY_CLIENT_SECRET": CLIENT_SECRET, "SHOPIFY_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "JWT_SECRET": "x" * 32,
    }  # fmt: skip

    def started(*arguments, **changed):
        return subprocess.Popen(
            [sys.executable, "-m", "services.gateway", *arguments], env=environment | changed,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return started


def test_a_tenant_is_made_with_a_key_that_is_shown_once(run):
    output, _ = run("create-tenant", "Alba Ltd").communicate(timeout=20)

    tenant_id = re.search(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", output)[0]
    assert len(re.findall(r"till_\w+", output)) == 1
    assert uuid.UUID(tenant_id)
    more, _ = run("create-key", tenant_id, "reports", "--days", "30").communicate(timeout=20)
    assert re.fullmatch(r"key till_[0-9a-f]{12}_[0-9a-f]{64}\n", more)


def test_a_key_for_nobody_is_refused_in_one_line(run):
    process = run("create-key", str(uuid.UUID(int=7)), "reports")
    _, said = process.communicate(timeout=20)

    assert (process.returncode, said) == (1, "create-key: no such tenant\n")


async def test_a_revoked_key_and_a_suspended_tenant_are_refused(run, gateway):
    tenant_id, key = await create_tenant(gateway.pool, "Alba Ltd")
    other = await create_key(gateway.pool, tenant_id, name="x", scope="read", expires_at=None)

    async def told(*arguments):
        process = run(*arguments)
        said, _ = await asyncio.to_thread(process.communicate, timeout=20)
        statuses = [
            (await gateway.get("/stores", headers={"X-API-Key": each}))[0] for each in (key, other)
        ]
        return process.returncode, said, statuses

    key_id = other.split("_")[1]
    assert await told("revoke-key", other) == (
        0, f"key till_{key_id} of tenant {tenant_id} is revoked\n", [200, 401]
    )  # fmt: skip
    assert (await told("revoke-key", f"till_{key_id}"))[0] == 1
    assert await told("suspend-tenant", tenant_id) == (
        0, f"tenant {tenant_id} is suspended\n", [401, 401]
    )  # fmt: skip
    assert (await told("resume-tenant", tenant_id))[2] == [200, 401]
    assert (await told("suspend-tenant", str(uuid.UUID(int=7))))[0] == 1


async def test_a_shops_own_webhook_secret_is_kept_sealed(run, gateway, alba, db):
    await rows.insert(
        db, "accounts.credentials", tenant_id=uuid.UUID(alba.tenant_id), shop_id=alba.shop_id,
        grant_type="static_token",
    )  # fmt: skip
    process = run("set-webhook-secret", alba.shop_domain)

    said, _ = await asyncio.to_thread(process.communicate, "made-in-the-admin\n", 20)

    sealed = await db.fetchval("SELECT webhook_secret_enc FROM accounts.credentials")
    opened = KeyRing.parse(ENCRYPTION_KEY).open(
        sealed, tenant_id=alba.tenant_id, shop_id=alba.shop_id, purpose="webhook_secret"
    )
    assert (process.returncode, opened) == (0, "made-in-the-admin")
    assert "made-in-the-admin" not in said
    for shop, text in (("none.myshopify.com", "x"), (alba.shop_domain, "")):
        refused = run("set-webhook-secret", shop)
        await asyncio.to_thread(refused.communicate, text, 20)
        assert refused.returncode == 1


def test_the_service_starts_answers_and_stops_when_told(run):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = run(GATEWAY_PORT=str(port))
    deadline = time.monotonic() + 20
    while True:
        try:
            answer = urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2)
            break
        except urllib.error.URLError:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    answer.read()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=10)
    assert (answer.status, process.returncode) == (200, 0)
    assert CLIENT_SECRET not in said
