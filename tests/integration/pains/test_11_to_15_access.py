"""Tokens, pages within pages, cursors, boundaries and points."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from services.gateway import renewal
from services.gateway.shopify import SHOPIFY
from shared.clock import now
from shared.shopify.client import ShopClient
from shared.shopify.documents import document
from tests.integration.gateway.test_oauth_flow import a_tenant, connect
from tests.integration.pains.shop import MakeShop, OpenShop, Refused, number
from tests.integration.syncer.shopify import CLIENT_ID, CLIENT_SECRET, Simulator

UPDATED = "SELECT order_id, updated_at FROM commerce.orders"


async def token_request(simulator: Simulator, **form: str) -> tuple[int, dict[str, Any]]:
    url = simulator.base_url.format(shop=simulator.shop) + "/admin/oauth/access_token"
    app = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    async with simulator.session.post(url, data={**app, **form}) as answer:
        return answer.status, await answer.json()


async def authorized(simulator: Simulator) -> str:
    """Return the code of a merchant who agreed."""
    admin = simulator.base_url.format(shop=simulator.shop) + "/admin/oauth"
    asked = {"client_id": CLIENT_ID, "scope": "read_orders", "redirect_uri": "http://127.0.0.1/"}
    async with simulator.session.get(
        f"{admin}/authorize", params=asked, allow_redirects=False
    ) as answer:
        return URL(answer.headers["Location"]).query["code"]


async def renewed_twice_at_once(simulator: Simulator) -> str:
    """Two workers without a lock: whoever was answered first saves last. What is kept?"""
    code = await authorized(simulator)
    _, pair = await token_request(simulator, code=code, expiring="1")
    grant = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
    _, first = await token_request(simulator, **grant)
    _, second = await token_request(simulator, **grant)
    saved = {}
    for answer in (second, first):
        saved = answer
    return str(saved["refresh_token"])


async def test_pain_11_a_token_is_renewed_by_one_and_goes_on(make_shop: MakeShop, open_gateway, db):
    simulator = await make_shop(orders=2)
    kept = await renewed_twice_at_once(simulator)
    naive, _ = await token_request(simulator, grant_type="refresh_token", refresh_token=kept)

    gateway = await open_gateway(
        shopify_base_url=simulator.base_url,
        shopify_client_id=CLIENT_ID,
        shopify_client_secret=CLIENT_SECRET,
    )
    _, headers = await a_tenant(gateway)
    await connect(gateway, simulator.shop, headers)
    shopify, asked = gateway.client.server.app[SHOPIFY], []
    for _ in range(2):
        await db.execute("UPDATE accounts.credentials SET expires_at = now() + interval '1 min'")
        before = (await simulator.stats())["requests"]["oauth requests"]
        soon = now() + timedelta(minutes=10)
        await asyncio.gather(
            *(renewal.renew_due(gateway.pool, shopify, before=soon) for _ in range(4))
        )
        asked.append((await simulator.stats())["requests"]["oauth requests"] - before)

    assert naive == 400  # the shop is lost until its merchant comes back
    assert asked == [1, 1]
    assert await db.fetchval("SELECT status FROM accounts.stores") == "active"
    assert await db.fetchval("SELECT expires_at FROM accounts.credentials") > soon


async def test_pain_11_tokens_without_an_end_are_not_asked_for(
    make_shop: MakeShop, open_gateway, db
):
    """Shopify refuses them, of new apps since 2026-04 and of all from 2027 on."""
    simulator = await make_shop(orders=2)
    await simulator.control("faults", {"admin": {"reject_plain_tokens": True}})
    _, plain = await token_request(simulator, code=await authorized(simulator))
    url = simulator.base_url.format(shop=simulator.shop) + "/admin/api/2026-10/graphql.json"
    headers = {"X-Shopify-Access-Token": plain["access_token"]}
    query = {"query": "{ shop { id } }"}
    async with simulator.session.post(url, json=query, headers=headers) as answer:
        naive = answer.status

    gateway = await open_gateway(
        shopify_base_url=simulator.base_url,
        shopify_client_id=CLIENT_ID,
        shopify_client_secret=CLIENT_SECRET,
    )
    _, headers = await a_tenant(gateway)
    await connect(gateway, simulator.shop, headers)

    _, body = await gateway.get("/health/connection", headers=headers)
    assert naive == 403
    assert [store["reachable"] for store in body["data"]] == [True]
    assert await db.fetchval("SELECT expires_at FROM accounts.credentials") < now() + timedelta(
        hours=2
    )


@asynccontextmanager
async def storage() -> AsyncIterator[tuple[str, list[dict[str, str]]]]:
    """A storage host: its address, and the headers it was sent."""
    heard: list[dict[str, str]] = []

    async def give(request: web.Request) -> web.Response:
        heard.append(dict(request.headers))
        return web.Response(body=b"{}\n")

    app = web.Application()
    app.router.add_get("/files/result.jsonl", give)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}", heard


async def test_pain_11_the_storage_host_is_not_told_the_token():
    """The result of an export is not at Shopify's; its address is all that it takes."""

    async def token() -> str:
        return "shpat_secret"

    async with storage() as (address, heard):
        url = f"{address}/files/result.jsonl"
        async with (
            aiohttp.ClientSession(headers={"X-Shopify-Access-Token": await token()}) as naive,
            naive.get(url),
        ):
            pass
        async with aiohttp.ClientSession() as session:
            client = ShopClient(
                session, shop_domain="tea.myshopify.com", token=token, api_version="2026-10",
                base_url=address + "/shops/{shop}",
            )  # fmt: skip
            assert [chunk async for chunk in client.download(url)] == [b"{}\n"]

    naives, ours = (str(headers) for headers in heard)
    assert "shpat_secret" in naives
    assert "shpat_secret" not in ours


async def test_pain_12_an_order_of_three_hundred_lines_has_them_all(open_shop: OpenShop):
    shop = await open_shop(orders=4)
    create = (
        "mutation ($order: OrderCreateOrderInput!) { orderCreate(order: $order)"
        " { order { id } userErrors { message } } }"
    )
    line = {"title": "Tea", "quantity": 1, "priceSet": {"shopMoney": {
        "amount": "1.00", "currencyCode": "USD"}}}  # fmt: skip
    writer = replace(shop.naive, token=await shop.simulator.token_for("read_orders,write_orders"))
    answer = await writer.ask(create, order={"lineItems": [line] * 300})
    assert answer["orderCreate"]["userErrors"] == []
    gid = answer["orderCreate"]["order"]["id"]
    lines = "SELECT count(*) FROM commerce.order_lines WHERE order_id = $1"

    orders = await shop.naive.page("orders", "id lineItems(first: 100) { nodes { id } }", 10)
    naive = next(len(one["lineItems"]["nodes"]) for one in orders if one["id"] == gid)
    await shop.sync("incremental", "orders")
    polled = await shop.value(lines, number(gid))
    await shop.db.execute("DELETE FROM commerce.order_lines")
    await shop.db.execute("UPDATE commerce.orders SET updated_at = '2001-01-01'")
    await shop.sync("full", "orders")

    assert naive == 100
    assert polled == 300
    assert await shop.value(lines, number(gid)) == 300


def moments(orders: list[dict[str, Any]], name: str = "updated_at") -> dict[int, datetime]:
    return {
        one["id"] if isinstance(one["id"], int) else number(one["id"]): datetime.fromisoformat(
            one[name]
        )
        for one in orders
    }


async def test_pain_13_what_changes_is_read_again(open_shop: OpenShop):
    """A cursor of ids sees what is new, and never what is edited."""
    shop = await open_shop(orders=30)
    naive = moments(await shop.naive.page("orders", "id updatedAt", sortKey="ID"), "updatedAt")
    await shop.sync("incremental", "orders")

    await shop.simulator.act("update_order", 5)
    search = f'"id:>{max(naive)}"'
    found = await shop.naive.page("orders", "id updatedAt", query=search, sortKey="ID")
    naive |= moments(found, "updatedAt")
    await shop.sync("incremental", "orders")

    truth = moments(await shop.truth("orders"))
    assert naive != truth
    assert {row[0]: row[1] for row in await shop.db.fetch(UPDATED)} == truth


async def test_pain_13_a_child_is_read_though_its_parent_did_not_change(open_shop: OpenShop):
    """A fulfilment order is put on hold; its order stays as it was."""
    shop = await open_shop(orders=30)
    fields = "id updatedAt fulfillmentOrders(first: 5) { nodes { id status } }"
    naive = {one["id"]: one for one in await shop.naive.page("orders", fields, 30)}
    await shop.sync("incremental", "orders", "fulfillment_orders")
    since = max(one["updatedAt"] for one in naive.values())

    (held,) = await shop.simulator.act("hold_fulfillment_order")
    found = await shop.naive.changed("orders", fields, f">='{since}'", first=30)
    naive |= {one["id"]: one for one in found}
    await shop.sync("incremental", "orders", "fulfillment_orders")

    statuses = {
        number(child["id"]): child["status"].lower()
        for one in naive.values()
        for child in one["fulfillmentOrders"]["nodes"]
    }
    truth = next(
        one["status"]
        for one in await shop.truth("fulfillment_orders")
        if one["fulfillment_order_id"] == held
    )
    assert truth.lower() == "on_hold" != statuses[held]
    ours = "SELECT status FROM commerce.fulfillment_orders WHERE fulfillment_order_id = $1"
    assert await shop.value(ours, held) == "on_hold"


async def test_pain_14_what_shows_up_late_is_found_without_reading_all_again(
    open_shop: OpenShop,
):
    """Shopify's search shows an order a minute after its own updated_at."""
    shop, at = await open_shop(orders=60), int(time.time())
    await shop.simulator.act("create_order", at=at)
    naive = {one["id"]: one["updatedAt"] for one in await shop.naive.page("orders", "id updatedAt")}
    await shop.sync("incremental", "orders")

    (late,) = await shop.simulator.act("create_order", at=at - 60)
    found = await shop.naive.changed("orders", "id updatedAt", f">'{max(naive.values())}'")
    naive |= {one["id"]: one["updatedAt"] for one in found}
    job = await shop.run("orders", "incremental")

    assert late not in {number(gid) for gid in naive}
    assert await shop.value("SELECT count(*) FROM commerce.orders WHERE order_id = $1", late) == 1
    assert await shop.value("SELECT count(*) FROM commerce.orders") == 62
    assert 1 <= job["rows_done"] <= 5


async def test_pain_15_a_sync_waits_for_points_instead_of_being_refused(open_shop: OpenShop):
    """The naive one reads the same pages without looking at what they cost.

    Its shop regains the 50 points a second that Shopify's documentation names; ours ten times as
    many, so that the test is short.
    """
    plain = await open_shop(orders=180, plan="former")

    async def nine_pages(after: str | None = None) -> None:
        for _ in range(9):
            page = await plain.naive.ask(document("orders_page"), first=20, after=after)
            after = page["orders"]["pageInfo"]["endCursor"]

    with pytest.raises(Refused, match="THROTTLED"):
        await nine_pages()

    shop = await open_shop(orders=180, plan="quick")
    before = await shop.requests()
    job = await shop.run("orders", "incremental")
    told = await shop.requests()

    assert told["graphql throttled"] == before["graphql throttled"]
    assert told["graphql points"] - before["graphql points"] > 1_000  # more than the bucket holds
    assert (job["status"], job["attempts"]) == ("succeeded", 0)
    held = "SELECT count(*) FROM commerce.orders WHERE shop_id = $1"
    assert await shop.value(held, shop.owner.shop_id) == 180
