"""Privacy requests as the API shows them, and the one download."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import zstandard

from tests.integration.gateway import rows

URL = "/api/v1/privacy/requests"


async def got(gateway, path="", *, headers, **query):
    response = await gateway.client.get(URL + path, headers=headers, params=query)
    return response.status, await response.json()


async def add(db, tenant, **values) -> str:
    request_id = uuid.uuid4()
    await rows.insert(
        db,
        "commerce.privacy_requests",
        **{
            "tenant_id": uuid.UUID(tenant.tenant_id),
            "shop_id": tenant.shop_id,
            "request_id": request_id,
            "topic": "shop/redact",
            "webhook_id": str(request_id),
            **values,
        },
    )
    return str(request_id)


async def test_requests_are_listed_newest_first_in_pages(gateway, alba, boro, db):
    later = datetime(2026, 11, 2, tzinfo=UTC)
    newer = await add(db, alba, received_at=later, due_at=later - timedelta(days=1))

    status, first = await got(gateway, headers=alba.headers("read"), limit=1)
    cursor = first["page"]["next_cursor"]
    _, second = await got(gateway, headers=alba.headers("read"), limit=1, cursor=cursor)

    assert status == 200
    assert [one["request_id"] for one in first["data"]] == [newer]
    assert first["data"][0]["is_overdue"] is True
    assert [one["request_id"] for one in second["data"]] == [alba.job_id]
    assert second["page"]["has_next"] is False


@pytest.mark.parametrize(
    ("query", "found"), [({"state": "refused"}, 1), ({"state": "done"}, 0), ({}, 2)]
)
async def test_requests_are_found_by_state(gateway, alba, db, query, found):
    await add(db, alba, state="refused")

    _, answer = await got(gateway, headers=alba.headers("read"), **query)

    assert len(answer["data"]) == found


async def test_an_export_is_downloaded_by_an_admin_and_that_is_audited(gateway, alba, db):
    lines = b'{"row":2}\n'
    await rows.insert(
        db,
        "commerce.privacy_exports",
        tenant_id=uuid.UUID(alba.tenant_id),
        shop_id=alba.shop_id,
        request_id=uuid.UUID(alba.job_id),
        part_no=1,
        lines=zstandard.ZstdCompressor().compress(lines),
        expires_at=datetime.now(UTC) + timedelta(days=1),
    )
    path = f"{URL}/{alba.job_id}/export"

    refused = await gateway.client.get(path, headers=alba.headers("write"))
    response = await gateway.client.get(path, headers=alba.headers())

    assert refused.status == 403
    assert response.status == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert await response.read() == json.dumps({"row": "alba"}).encode() + lines
    actions = await db.fetch("SELECT action, target FROM accounts.audit_log")
    assert ("privacy.export_downloaded", alba.job_id) in [tuple(row) for row in actions]


async def test_an_export_that_expired_is_gone(gateway, alba, db):
    await db.execute("UPDATE commerce.privacy_exports SET expires_at = now()")

    status, answer = await got(gateway, f"/{alba.job_id}/export", headers=alba.headers())

    assert (status, answer["code"]) == (409, "no_export")
