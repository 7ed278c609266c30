from __future__ import annotations

import asyncio
import uuid

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.shopify.resources import RESOURCES
from tests.integration.gateway import rows


async def test_a_store_is_shown_by_number_and_by_domain(gateway, alba):
    by_number = await gateway.get(f"/stores/{alba.shop_id}", headers=alba.headers())
    by_domain = await gateway.get(f"/stores/{alba.shop_domain}", headers=alba.headers())

    assert by_number == by_domain
    assert by_number[0] == 200
    assert by_number[1]["data"]["shop_domain"] == "alba.myshopify.com"


async def test_an_order_is_shown_with_all_its_parts(gateway, alba):
    path = f"/stores/{alba.shop_id}/orders/{rows.ORDER}"

    status, body = await gateway.get(path, headers=alba.headers(), include="raw")

    order = body["data"]
    assert status == 200
    assert order["total_price"] == "12.34"
    assert order["billing_address"] == {"city": "alba"}
    assert [line["quantity"] for line in order["lines"]] == [3]
    assert [line["restock_type"] for line in order["refunds"][0]["lines"]] == ["RETURN"]
    assert [t["transaction_id"] for t in order["transactions"]] == [8]
    assert [f["fulfillment_id"] for f in order["fulfillments"]] == [9]
    assert order["raw"] == {"note": "raw of alba"}


async def test_the_status_counts_what_must_still_be_read_again(gateway, alba, db):
    for order_id in (1, 2):
        await rows.insert(
            db,
            "commerce.refetches",
            tenant_id=alba.tenant_id,
            shop_id=alba.shop_id,
            kind="order",
            id=order_id,
            reason="refunds",
        )

    _, body = await gateway.get(f"/stores/{alba.shop_id}/sync/status", headers=alba.headers())

    assert [(one["kind"], one["pending_reads"]) for one in body["data"]] == [("orders", 2)]


async def test_the_raw_payload_is_left_out_unless_asked_for(gateway, alba):
    _, body = await gateway.get(
        f"/stores/{alba.shop_id}/orders/{rows.ORDER}", headers=alba.headers()
    )

    assert body["data"]["raw"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, 1),
        ({"financial_status": "paid"}, 1),
        ({"financial_status": "voided"}, 0),
        ({"status": "open"}, 1),
        ({"status": "cancelled"}, 0),
        ({"q": "LBA-"}, 1),
        ({"q": "%"}, 0),
        ({"customer_id": rows.CUSTOMER}, 1),
        ({"customer_id": 1}, 0),
        ({"date_from": "2026-11-01", "date_to": "2026-11-01"}, 1),
        ({"date_from": "2026-11-02"}, 0),
        ({"date_to": "2026-10-31"}, 0),
    ],
)
async def test_orders_are_filtered(gateway, alba, query, found):
    status, body = await gateway.get(
        f"/stores/{alba.shop_id}/orders", headers=alba.headers(), **query
    )

    assert (status, len(body["data"])) == (200, found)


async def test_days_are_the_shops_days(gateway, alba, db):
    await db.execute("UPDATE accounts.stores SET iana_timezone = 'Pacific/Auckland'")

    _, first = await gateway.get(
        f"/stores/{alba.shop_id}/orders", headers=alba.headers(), date_to="2026-11-01"
    )
    _, second = await gateway.get(
        f"/stores/{alba.shop_id}/orders", headers=alba.headers(), date_from="2026-11-02"
    )

    assert (len(first["data"]), len(second["data"])) == (0, 1)


async def test_paging_returns_each_order_once_while_others_arrive(gateway, alba, db):
    owner = (uuid.UUID(alba.tenant_id), alba.shop_id)
    for order_id in range(1, 41):
        await rows.insert_order(db, *owner, order_id, processed_at=rows.MOMENT)
    seen, cursor, newer = [], None, 90_000
    while True:
        query = {"limit": 7} | ({"cursor": cursor} if cursor else {})
        _, body = await gateway.get(
            f"/stores/{alba.shop_id}/orders", headers=alba.headers(), **query
        )
        seen += [order["order_id"] for order in body["data"]]
        newer += 1
        await rows.insert_order(db, *owner, newer)
        if not (cursor := body["page"]["next_cursor"]):
            break

    assert seen == [rows.ORDER, *range(40, 0, -1)]


@pytest.mark.parametrize("noun", ["products", "customers", "inventory", "sync/jobs",
                                  "webhooks/events"])  # fmt: skip
async def test_every_list_pages_to_its_end(gateway, alba, db, noun):
    owner = {"tenant_id": uuid.UUID(alba.tenant_id), "shop_id": alba.shop_id}
    for number in range(1, 6):
        await rows.insert(db, "commerce.products", **owner, product_id=number)
        await rows.insert(db, "commerce.customers", **owner, customer_id=number)
        await rows.insert(db, "commerce.inventory_levels", **owner, inventory_item_id=1,
                          location_id=number)  # fmt: skip
        await rows.insert(db, "commerce.sync_jobs", **owner, kind="orders", mode="full",
                          trigger="manual", status="failed")  # fmt: skip
        await rows.insert(db, "commerce.webhook_events", **owner, topic="orders/create",
                          webhook_id=str(number), state="dead")  # fmt: skip
    seen, cursor, pages = [], None, 0
    while pages < 10:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        status, body = await gateway.get(
            f"/stores/{alba.shop_id}/{noun}", headers=alba.headers(), **query
        )
        assert status == 200
        seen += [str(sorted(row.items())) for row in body["data"]]
        pages += 1
        assert body["page"]["has_next"] is (body["page"]["next_cursor"] is not None)
        if not (cursor := body["page"]["next_cursor"]):
            break

    assert (len(seen), len(set(seen)), pages) == (6, 6, 3)


async def test_sales_are_rounded_numbers_with_their_exact_text(gateway, alba):
    _, body = await gateway.get(
        "/analytics/sales", headers=alba.headers(), shop_id=alba.shop_domain, interval="month"
    )

    (bucket,) = body["data"]["buckets"]
    assert bucket["period"] == "2026-11-01"
    assert (bucket["orders"], bucket["units"]) == (1, 3)
    assert (bucket["gross_sales"], bucket["exact"]["gross_sales"]) == (12.35, "12.3450")
    assert (bucket["net_sales"], bucket["exact"]["net_sales"]) == (12.01, "12.0050")
    assert body["data"]["totals"][0]["exact"] == bucket["exact"]
    assert body["data"]["pending_orders"] == 1


async def test_sales_answer_get_and_post_alike(gateway, alba):
    query = {"shop_id": str(alba.shop_id), "interval": "week", "basis": "event"}

    got = await gateway.get("/analytics/sales", headers=alba.headers(), **query)
    posted = await gateway.post("/analytics/sales", query, headers=alba.headers())

    assert got == posted
    assert got[0] == 200


async def test_sales_of_another_currency_basis_or_day_are_empty(gateway, alba):
    for narrower in ({"currency": "EUR"}, {"basis": "order"}, {"date_from": "2026-11-02"}):
        _, body = await gateway.get(
            "/analytics/sales", headers=alba.headers(), shop_id=alba.shop_id, **narrower
        )
        assert body["data"]["buckets"] == []


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/orders", {"limit": 251}, "limit"),
        ("/orders", {"limit": 0}, "limit"),
        ("/orders", {"date_from": "yesterday"}, "date_from"),
        ("/orders", {"colour": "red"}, "colour"),
        ("/orders", {"date_from": "2026-11-02", "date_to": "2026-11-01"}, "date_to"),
        ("/sync/jobs", {"status": "odd"}, "status"),
    ],
)
async def test_what_is_asked_wrongly_is_named_field_by_field(gateway, alba, path, query, field):
    status, body = await gateway.get(
        f"/stores/{alba.shop_id}{path}", headers=alba.headers(), **query
    )

    assert (status, body["code"]) == (400, "validation_failed")
    assert [each["field"] for each in body["details"]["fields"]] == [field]
    assert body["request_id"]


async def test_a_cursor_of_another_list_is_refused(gateway, alba):
    status, body = await gateway.get(
        f"/stores/{alba.shop_id}/orders", headers=alba.headers(), cursor="WzFd"
    )

    assert (status, body["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize(
    "path", ["/stores/999", "/stores/none.myshopify.com", "/stores/{s}/orders/1",
             "/stores/{s}/orders/9999999999999999999", "/stores/{s}/products/1",
             "/stores/{s}/customers/1", f"/stores/{{s}}/sync/jobs/{uuid.UUID(int=0)}"],
)  # fmt: skip
async def test_what_does_not_exist_is_not_found(gateway, alba, path):
    status, body = await gateway.get(path.format(s=alba.shop_id), headers=alba.headers())

    assert (status, body["code"]) == (404, "not_found")


async def test_a_deleted_order_is_gone_from_lists_and_alone(gateway, alba, db):
    await db.execute("UPDATE commerce.orders SET deleted_at = now()")

    _, listed = await gateway.get(f"/stores/{alba.shop_id}/orders", headers=alba.headers())
    status, _ = await gateway.get(
        f"/stores/{alba.shop_id}/orders/{rows.ORDER}", headers=alba.headers()
    )

    assert (listed["data"], status) == ([], 404)


async def test_a_level_connected_again_is_listed_again(gateway, alba, db):
    path = f"/stores/{alba.shop_id}/inventory"
    await db.execute(
        "UPDATE commerce.inventory_levels SET deleted_at = updated_at + '1 s'::interval"
    )
    _, without = await gateway.get(path, headers=alba.headers())
    await db.execute(
        "UPDATE commerce.inventory_levels SET updated_at = updated_at + '2 s'::interval"
    )
    _, again = await gateway.get(path, headers=alba.headers())

    assert (len(without["data"]), len(again["data"])) == (0, 1)


async def test_asking_twice_for_a_sync_finds_the_first_job(gateway, alba, db):
    path = f"/stores/{alba.shop_id}/sync/orders"

    answers = await asyncio.gather(
        *(gateway.post(path, {"full_sync": True}, headers=alba.headers()) for _ in range(5))
    )

    assert {status for status, _ in answers} == {202}
    assert len({body["data"][0]["job_id"] for _, body in answers}) == 1
    assert await db.fetchval("SELECT count(*) FROM commerce.sync_jobs WHERE status = 'queued'") == 1
    assert await db.fetchval("SELECT count(*) FROM bus.messages WHERE topic = 'sync.requested'") > 0


async def test_a_sync_of_all_kinds_queues_one_job_each(gateway, alba):
    status, body = await gateway.post(f"/stores/{alba.shop_id}/sync", {}, headers=alba.headers())

    assert status == 202
    assert {(job["kind"], job["mode"]) for job in body["data"]} == {
        (kind, "incremental") for kind in RESOURCES
    }


async def test_a_store_that_left_is_not_synced(gateway, alba, db):
    await db.execute("UPDATE accounts.stores SET status = 'uninstalled'")

    status, body = await gateway.post(f"/stores/{alba.shop_id}/sync", {}, headers=alba.headers())

    assert (status, body["code"]) == (409, "store_not_active")


async def test_amounts_read_as_shopify_writes_them(gateway, alba, db):
    await db.execute("UPDATE commerce.orders SET total_price = 299, total_tax = 0.125")
    path = f"/stores/{alba.shop_id}/orders"

    _, pounds = await gateway.get(path, headers=alba.headers())
    await db.execute("UPDATE commerce.orders SET currency = 'JPY'")
    _, yen = await gateway.get(path, headers=alba.headers())

    assert (pounds["data"][0]["total_price"], pounds["data"][0]["total_tax"]) == ("299.00", "0.125")
    assert yen["data"][0]["total_price"] == "299"


async def test_the_services_are_listed_with_how_they_are(open_gateway, make_tenant):
    async def ready(request):
        return web.json_response({}, status=503 if request.path.startswith("/syncer/") else 200)

    neighbour = web.Application()
    neighbour.router.add_get("/{name}/readyz", ready)
    async with TestServer(neighbour) as server:
        gateway = await open_gateway(services_at=f"http://127.0.0.1:{server.port}/{{name}}")
        alba = await make_tenant(gateway, "alba")
        response = await gateway.client.get("/api/v1/services", headers=alba.headers())
        listed = (await response.json())["data"]
    response = await gateway.client.get("/api/v1/services", headers=alba.headers())
    without = (await response.json())["data"]

    assert [(each["name"], each["status"], each["info"]) for each in listed] == [
        ("gateway", "active", "ready"), ("webhooks", "active", "ready"),
        ("syncer", "inactive", "not ready"), ("analytics", "active", "ready"),
    ]  # fmt: skip
    assert [each["status"] for each in without] == ["active", *["inactive"] * 3]
