"""Who tried a key, and who made or ended one, is in its tenant's audit log."""

from __future__ import annotations

import json

import pytest

from services.gateway.command import create_key, revoke_key
from services.gateway.metrics import CREDENTIALS_REFUSED_TOTAL


async def logged(db, action):
    found = await db.fetch(
        "SELECT tenant_id::text, target, details, actor, request_id FROM accounts.audit_log"
        " WHERE action = $1 ORDER BY entry_id",
        action,
    )
    return [dict(row) | {"details": json.loads(row["details"])} for row in found]


def counted(reason: str) -> float:
    return CREDENTIALS_REFUSED_TOTAL.labels(reason)._value.get()


async def refused(gateway, key, times=1):
    for _ in range(times):
        status, body = await gateway.get("/stores", headers={"X-API-Key": key})
        assert (status, body["error"]) == (401, "the API key is not valid")
    return body["request_id"]


async def test_a_key_that_is_guessed_at_is_told_to_its_owner_in_one_line(gateway, alba, boro, db):
    public = alba.keys["admin"].rpartition("_")[0]
    before = counted("wrong_secret")

    await refused(gateway, f"{public}_guess", times=30)

    (entry,) = await logged(db, "key.refused")
    assert (entry["tenant_id"], entry["target"]) == (alba.tenant_id, public)
    assert entry["details"] == {"reason": "wrong_secret", "attempts": 1}
    assert entry["request_id"]
    assert counted("wrong_secret") == before + 30


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("revoked", "UPDATE accounts.api_keys SET revoked_at = now()"),
        ("expired", "UPDATE accounts.api_keys SET expires_at = now() - interval '1 s'"),
        ("tenant_suspended", "UPDATE accounts.tenants SET status = 'suspended'"),
    ],
)
async def test_a_key_that_is_used_after_its_end_is_told_with_the_reason(
    gateway, alba, db, reason, change
):
    await db.execute(change)

    request_id = await refused(gateway, alba.keys["read"])

    (entry,) = await logged(db, "key.refused")
    assert entry["details"]["reason"] == reason
    assert (entry["actor"], entry["request_id"]) == ("unknown", request_id)


async def test_what_is_nobodys_is_counted_and_leaves_no_line(gateway, alba, db):
    before = counted("unknown_key"), counted("token")

    await refused(gateway, "till_0123456789ab_guess", times=3)
    status, _ = await gateway.get("/stores", headers={"Authorization": "Bearer a.b.c"})

    assert status == 401
    assert await logged(db, "key.refused") == []
    assert (counted("unknown_key"), counted("token")) == (before[0] + 3, before[1] + 1)


async def test_a_key_is_named_when_it_is_made_and_when_it_is_ended(gateway, alba, db):
    key = await create_key(
        gateway.pool, alba.tenant_id, name="reports", scope="read", expires_at=None
    )
    await revoke_key(gateway.pool, key)

    public = key.rpartition("_")[0]
    made = (await logged(db, "key.created"))[-1]
    (ended,) = await logged(db, "key.revoked")
    assert (made["target"], made["details"]) == (public, {"name": "reports", "scope": "read"})
    assert ended["target"] == public
    assert key.rpartition("_")[2] not in str([made, ended])
