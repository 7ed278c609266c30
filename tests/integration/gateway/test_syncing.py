"""Verifications, progress, resources, usage and topics, and every resource readable."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
import zstandard

from shared.shopify.resources import RESOURCES
from shared.tables import KEYS, TABLES
from tests.integration.gateway import rows

OTHERS = [
    name for name in RESOURCES if name not in ("orders", "products", "customers", "inventory")
]


def owned(alba):
    return {"tenant_id": uuid.UUID(alba.tenant_id), "shop_id": alba.shop_id}


@pytest.mark.parametrize("resource", OTHERS)
async def test_every_other_resource_is_listed_and_shown(gateway, alba, db, resource):
    table, children = TABLES[RESOURCES[resource].kind]
    key = KEYS[table][0]
    await db.execute(f"DELETE FROM commerce.{table}")
    for number in (5, 6, 7):
        await rows.insert(db, f"commerce.{table}", **owned(alba), **{key: number})
        for child in children:
            await rows.insert(db, f"commerce.{child}", **owned(alba), **{key: number})
    path = f"/stores/{alba.shop_id}/{resource}"

    status, first = await gateway.get(path, headers=alba.headers("read"), limit=2)
    cursor = first["page"]["next_cursor"]
    _, second = await gateway.get(path, headers=alba.headers("read"), limit=2, cursor=cursor)
    _, shown = await gateway.get(f"{path}/6", headers=alba.headers("read"))
    missing, _ = await gateway.get(f"{path}/8", headers=alba.headers("read"))

    assert (status, missing) == (200, 404)
    assert [[one["id"] for one in page["data"]] for page in (first, second)] == [[7, 6], [5]]
    assert second["page"]["has_next"] is False
    assert shown["data"] == first["data"][1]
    assert {child: len(shown["data"][child]) for child in children} == dict.fromkeys(children, 1)
    assert {"tenant_id", "shop_id", "deleted_at"} & set(shown["data"]) == set()


async def test_an_object_has_exact_amounts_documents_and_its_payload(gateway, alba, db):
    # An export is archived line by line.
    lines = b'{"id":"gid://shopify/DraftOrder/9"}\n{"id":"gid://shopify/DraftOrderLineItem/1"}'
    await rows.insert(
        db, "commerce.draft_orders", **owned(alba), draft_order_id=9, currency="JPY",
        total_price=Decimal("299.0000"), billing_address=json.dumps({"city": "Bath"}),
        raw=zstandard.ZstdCompressor().compress(lines),
    )  # fmt: skip
    await rows.insert(
        db, "commerce.draft_order_lines", **owned(alba), draft_order_id=9, line_id=1,
        price=Decimal("149.5000"),
    )  # fmt: skip
    path = f"/stores/{alba.shop_id}/draft_orders/9"

    _, body = await gateway.get(path, headers=alba.headers(), include="raw")
    _, plain = await gateway.get(path, headers=alba.headers())

    found = body["data"]
    assert (found["total_price"], found["billing_address"]) == ("299", {"city": "Bath"})
    assert found["draft_order_lines"][0]["price"] == "149.5"
    assert [one["id"].rpartition("/")[2] for one in found["raw"]] == ["9", "1"]
    assert plain["data"]["raw"] is None


async def test_objects_changed_since_are_listed_and_deleted_ones_are_not(gateway, alba, db):
    for number, age in ((1, 5), (2, 1), (3, 0)):
        moment = rows.MOMENT - timedelta(days=age)
        await rows.insert(
            db, "commerce.payouts", **owned(alba), payout_id=number, updated_at=moment
        )
    await db.execute("UPDATE commerce.payouts SET deleted_at = now() WHERE payout_id = 3")
    since = (rows.MOMENT - timedelta(days=2)).isoformat()

    path = f"/stores/{alba.shop_id}/payouts"
    _, body = await gateway.get(path, headers=alba.headers(), updated_since=since)

    assert [one["id"] for one in body["data"]] == [2]


async def test_a_verification_is_asked_for_and_shown_page_by_page(gateway, alba, db):
    path = f"/stores/{alba.shop_id}/sync/verify"
    status, body = await gateway.post(path, {"kinds": ["orders"]}, headers=alba.headers())
    (job,) = body["data"]
    assert (status, job["mode"], job["repair"], job["status"]) == (202, "verify", False, "queued")
    refused, why = await gateway.post(
        path, {"kinds": ["orders"], "repair": True}, headers=alba.headers()
    )
    assert (refused, why["code"]) == (409, "verification_running")
    early, _ = await gateway.get(f"{path}/{job['job_id']}", headers=alba.headers())
    assert early == 404

    await rows.insert(
        db, "commerce.verifications", **owned(alba), job_id=uuid.UUID(job["job_id"]),
        resource="orders", mode="verify", ours=9, theirs=10, compared=10, differences=2,
    )  # fmt: skip
    for number, what in ((3, "missing_here"), (4, "differs")):
        await rows.insert(
            db, "commerce.verification_differences", **owned(alba),
            job_id=uuid.UUID(job["job_id"]), id=number, what=what, columns=["orders.note"],
            details=json.dumps([{"column": "orders.note", "ours": "a", "theirs": "b"}]),
        )  # fmt: skip
    report = f"{path}/{job['job_id']}"
    _, first = await gateway.get(report, headers=alba.headers("read"), limit=1)
    cursor = first["page"]["next_cursor"]
    _, second = await gateway.get(report, headers=alba.headers("read"), limit=1, cursor=cursor)

    assert (first["data"]["ours"], first["data"]["theirs"]) == (9, 10)
    found = [one["data"]["difference_list"][0] for one in (first, second)]
    assert [(one["id"], one["what"]) for one in found] == [(3, "missing_here"), (4, "differs")]
    assert found[1]["details"] == [{"column": "orders.note", "ours": "a", "theirs": "b"}]
    assert second["page"]["has_next"] is False
    _, listed = await gateway.get(
        f"/stores/{alba.shop_id}/sync/jobs", headers=alba.headers(), mode="verify"
    )
    assert [one["job_id"] for one in listed["data"]] == [job["job_id"]]


async def test_a_job_tells_how_far_each_window_is(gateway, alba, db):
    job_id = uuid.UUID(alba.job_id)
    await db.execute(
        "UPDATE commerce.sync_jobs SET status = 'running', rows_total = 200, rows_done = 50,"
        " rows_written = 50, started_at = now() - interval '10 s', mark_rows = 0,"
        " mark_at = now() - interval '10 s', lease_until = now() + interval '30 s'"
    )
    for number, status, roots in ((1, "done", 50), (2, "running", 0)):
        await rows.insert(
            db, "commerce.bulk_operations", **owned(alba), job_id=job_id, window_no=number,
            search="", status=status, roots_done=roots, expected=100,
        )  # fmt: skip
    await db.execute("UPDATE commerce.bulk_operations SET done_at = now() WHERE window_no = 1")

    _, body = await gateway.get(
        f"/stores/{alba.shop_id}/sync/jobs/{alba.job_id}", headers=alba.headers()
    )

    job = body["data"]
    assert (job["rows_done"], job["rows_total"], job["percent"]) == (50, 200, 25)
    assert (job["windows"], job["windows_done"], job["stage"]) == (2, 1, "exporting")
    assert job["rows_per_second"] == pytest.approx(5, abs=1)
    assert job["eta_seconds"] == pytest.approx(30, abs=5)
    assert {one["stage"] for one in job["window_list"]} == {"done", "running"}


async def test_every_resource_tells_whether_it_can_be_read(gateway, alba, db):
    await rows.insert(
        db, "commerce.capabilities", **owned(alba), resource="payouts", state="missing_scope",
        reason="the app lacks read_shopify_payments_payouts",
        missing_scopes=["read_shopify_payments_payouts"],
    )  # fmt: skip

    _, body = await gateway.get(f"/stores/{alba.shop_id}/resources", headers=alba.headers("read"))

    found = {one["resource"]: one for one in body["data"]}
    assert list(found) == list(RESOURCES)
    assert found["payouts"]["missing_scopes"] == ["read_shopify_payments_payouts"]
    assert (found["orders"]["rows"], found["orders"]["state"]) == (1, "failing")
    assert found["orders"]["oldest"] is not None
    assert found["customers"]["state"] == "unknown"


async def test_usage_is_told_by_day(gateway, alba, db):
    for age, points in ((0, 70.4), (1, 30.0), (40, 10.0)):
        await db.execute(
            "INSERT INTO pacing.usage_daily VALUES"
            " ($1, $2, (now() AT TIME ZONE 'UTC')::date - $3::int, 7, 2, $4, 1, 0)",
            *owned(alba).values(),
            age,
            points,
        )

    _, body = await gateway.get(f"/stores/{alba.shop_id}/usage", headers=alba.headers("read"))

    assert [(one["requests"], one["points"]) for one in body["data"]] == [(7, 70), (7, 30)]


async def test_topics_are_chosen_and_the_syncer_is_asked_to_see_to_it(gateway, alba, db):
    url = f"/api/v1/shopify/stores/{alba.shop_id}/topics"

    async def put(topics):
        answer = await gateway.client.put(url, json={"topics": topics}, headers=alba.headers())
        return answer.status, await answer.json()

    status, body = await put(["orders/updated", "PRODUCTS_UPDATE"])
    assert (status, body["data"]["topics"]) == (200, ["orders/updated", "PRODUCTS_UPDATE"])
    _, shown = await gateway.get(f"/stores/{alba.shop_id}/topics", headers=alba.headers("read"))
    assert shown["data"] == body["data"]
    asked = "SELECT count(*) FROM commerce.sync_jobs WHERE kind = 'shop' AND status = 'queued'"
    assert await db.fetchval(asked) == 1
    audited = "SELECT count(*) FROM accounts.audit_log WHERE action = 'store.topics_chosen'"
    assert await db.fetchval(audited) == 1

    assert (await put(["orders updated"]))[0] == 400
    assert (await put(None))[1]["data"]["topics"] is None


async def test_schema_drift_is_listed_newest_first_page_by_page(gateway, alba, boro, db):
    path = f"/stores/{alba.shop_id}/schema-drift"
    await db.execute("DELETE FROM commerce.schema_drift WHERE shop_id = $1", alba.shop_id)
    _, nothing = await gateway.get(path, headers=alba.headers("read"))
    assert (nothing["data"], nothing["page"]["has_next"]) == ([], False)
    for kind, what, age in (
        ("version", "answered by 2027-01", 0),
        ("enum", "orders.financial_status=NEW", 1),
        ("field", "orders/create: b", 1),
        ("field", "orders/create: a", 1),
    ):
        await rows.insert(
            db, "commerce.schema_drift", **owned(alba), kind=kind, what=what, example="x",
            count=3, first_seen=rows.MOMENT - timedelta(days=age),
        )  # fmt: skip

    found, cursor = [], {}
    for _ in range(4):
        _, body = await gateway.get(path, headers=alba.headers("read"), limit=1, **cursor)
        found += [one["what"] for one in body["data"]]
        cursor = {"cursor": body["page"]["next_cursor"]}

    assert found == [
        "answered by 2027-01", "orders.financial_status=NEW", "orders/create: a", "orders/create: b"
    ]  # fmt: skip
    assert body["page"]["next_cursor"] is None
    assert body["data"][0]["count"] == 3


@pytest.mark.parametrize(
    ("resource", "kind"),
    [(name, one.kind) for name, one in RESOURCES.items()] + [("inventory", "inventory_level")],
)
async def test_what_must_be_read_again_is_counted_for_every_resource(
    gateway, alba, db, resource, kind
):
    await db.execute("DELETE FROM commerce.sync_state")
    for name in RESOURCES:
        await rows.insert(db, "commerce.sync_state", **owned(alba), kind=name)
    await rows.insert(db, "commerce.refetches", **owned(alba), kind=kind, id=1)

    _, body = await gateway.get(f"/stores/{alba.shop_id}/sync/status", headers=alba.headers("read"))

    waiting = {one["kind"]: one["pending_reads"] for one in body["data"]}
    assert waiting == dict.fromkeys(RESOURCES, 0) | {resource: 1}
