"""The token a shop is asked with is the one that the gateway stored last."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.syncer.shops import Access, Shops
from shared.keyring import KeyRing
from shared.shopify.snapshots import Owner
from tests.integration.syncer.objects import TENANT
from tests.integration.syncer.shopify import connect_store, new_keys


@pytest.fixture
async def heard() -> AsyncIterator[tuple[str, list[str]]]:
    """A shop that answers everything, and the tokens it heard."""
    tokens: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        tokens.append(request.headers["X-Shopify-Access-Token"])
        return web.json_response({"data": {}})

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}/shops/{{shop}}", tokens


async def connect_again(db, owner: Owner, token: str, keys: KeyRing) -> None:
    """Disconnect, then connect: the row of the credentials starts anew."""
    sealed = keys.seal(token, tenant_id=TENANT, shop_id=owner.shop_id, purpose="access_token")
    await db.execute("DELETE FROM accounts.credentials")
    await db.execute(
        "INSERT INTO accounts.credentials (tenant_id, shop_id, grant_type, access_token_enc,"
        " scopes, token_last4) VALUES ($1, $2, 'static_token', $3, '{}', 'last')",
        TENANT,
        owner.shop_id,
        sealed,
    )


async def test_a_store_connected_again_is_asked_with_its_new_token(pool, db, heard):
    base_url, tokens = heard
    keys = new_keys()
    owner = await connect_store(db, "shpat_old", keys)
    async with aiohttp.ClientSession() as session:
        shops = Shops(
            pool, session, keys=keys, access=Access(api_version="2026-10", base_url=base_url)
        )
        await (await shops.client(owner)).execute("query { shop { id } }")
        await connect_again(db, owner, "shpat_new", keys)
        await (await shops.client(owner)).execute("query { shop { id } }")

    assert tokens == ["shpat_old", "shpat_new"]
