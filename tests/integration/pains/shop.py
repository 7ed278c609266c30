"""A connected shop with both who read it: the product, and a connector as most are written."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeAlias

import asyncpg
import orjson

from services.syncer.context import Context
from services.syncer.handlers import jobs as handler
from services.syncer.store import jobs
from shared.keyring import KeyRing
from shared.postgres import Pool
from shared.shopify.snapshots import Owner
from tests.integration.syncer.shopify import (
    Simulator,
    ask_for,
    connect_store,
    new_keys,
    shops_of,
    use_token,
)
from tests.integration.syncer.test_deliveries import RecordingBus
from tests.integration.syncer.test_sync import settle

MakeShop: TypeAlias = Callable[..., Awaitable[Simulator]]
OpenShop: TypeAlias = Callable[..., Awaitable["Shop"]]


class Refused(Exception):
    """What Shopify answered instead of data."""


@dataclass(frozen=True, kw_only=True)
class Naive:
    """A plain client: it waits for nothing, checks nothing and believes what it gets."""

    simulator: Simulator
    token: str
    api_version: str = "2026-10"

    @property
    def url(self) -> str:
        shop = self.simulator.base_url.format(shop=self.simulator.shop)
        return f"{shop}/admin/api/{self.api_version}/graphql.json"

    async def ask(self, document: str, **variables: Any) -> Any:
        """Return ``data``; raise Refused for errors of any kind."""
        headers = {"X-Shopify-Access-Token": self.token}
        body = {"query": document, "variables": variables}
        async with self.simulator.session.post(self.url, json=body, headers=headers) as answer:
            if answer.status != 200:
                raise Refused(await answer.text())
            found = await answer.json()
        if "errors" in found:
            raise Refused(str(found["errors"]))
        return found["data"]

    async def page(self, root: str, fields: str, first: int = 250, **arguments: Any) -> list[Any]:
        """Return the nodes of the first page of a search, sorted by updated_at."""
        given = "".join(f", {name}: {value}" for name, value in arguments.items())
        data = await self.ask(f"{{ {root}(first: {first}{given}) {{ nodes {{ {fields} }} }} }}")
        return list(data[root]["nodes"])

    async def changed(self, root: str, fields: str, since: str, first: int = 250) -> list[Any]:
        """Return what a poll by updated_at finds on its first page."""
        search = f'"updated_at:{since}"'
        return await self.page(root, fields, first, query=search, sortKey="UPDATED_AT")

    async def start_bulk(self, query: str, *, group: bool = False) -> str:
        run = (
            "mutation ($query: String!, $group: Boolean!) {"
            " bulkOperationRunQuery(query: $query, groupObjects: $group)"
            " { bulkOperation { id } userErrors { message } } }"
        )
        started = (await self.ask(run, query=query, group=group))["bulkOperationRunQuery"]
        if started["userErrors"]:
            raise Refused(str(started["userErrors"]))
        return str(started["bulkOperation"]["id"])

    async def bulk_url(self, gid: str) -> str:
        """Ask for an operation until it has ended; return where its result is."""
        state = "query ($id: ID!) { bulkOperation(id: $id) { status url } }"
        while True:
            found = (await self.ask(state, id=gid))["bulkOperation"]
            if found["status"] not in ("CREATED", "RUNNING"):
                assert found["status"] == "COMPLETED", found
                return str(found["url"])
            await asyncio.sleep(0.02)

    async def bulk(self, query: str, *, group: bool = False) -> list[Any]:
        """Run one bulk query and return its whole result, a line each."""
        url = await self.bulk_url(await self.start_bulk(query, group=group))
        async with self.simulator.session.get(url) as answer:
            return [orjson.loads(line) for line in (await answer.read()).splitlines()]


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A store of ours, the Shopify behind it, and a plain client of the same shop."""

    db: asyncpg.Connection
    simulator: Simulator
    owner: Owner
    context: Context
    keys: KeyRing
    naive: Naive

    def changed(self, **settings: Any) -> Shop:
        return replace(self, context=replace(self.context, **settings))

    def moved(self, domain: str) -> Shop:
        """The same shop under another domain, for the plain client."""
        simulator = replace(self.simulator, shop=domain)
        return replace(self, simulator=simulator, naive=replace(self.naive, simulator=simulator))

    async def run(self, kind: str, mode: str) -> dict[str, Any]:
        """Queue one job, work on whatever is due, and return how the job stands."""
        job_id = await ask_for(self.db, self.owner, kind, mode)
        await self.work()
        return await self.job(job_id)

    async def job(self, job_id: object) -> dict[str, Any]:
        row = await self.db.fetchrow("SELECT * FROM commerce.sync_jobs WHERE job_id = $1", job_id)
        return dict(row)

    async def work(self) -> None:
        while True:
            async with self.context.pool.acquire() as conn:
                job = await jobs.claim(conn)
            if job is None:
                return
            await handler.run(self.context, job)

    async def sync(self, mode: str, *kinds: str) -> None:
        """Run these jobs to their end, and read again what they left to be read."""
        for kind in kinds:
            job = await self.run(kind, mode)
            assert job["status"] == "succeeded", (kind, job["error"])
        await settle(self.context)

    async def again(self) -> None:
        """Run what waits for its next try, as if the wait were over."""
        await self.db.execute("UPDATE commerce.sync_jobs SET not_before = now()")
        await self.work()

    async def use_scopes(self, scope: str) -> Naive:
        """Replace the token by one that has only *scope*."""
        token = await self.simulator.token_for(scope)
        await use_token(self.db, self.owner, token, self.keys, scope=scope)
        return replace(self.naive, token=token)

    async def value(self, sql: str, *given: object) -> Any:
        return await self.db.fetchval(sql, *given)

    async def column(self, sql: str, *given: object) -> list[Any]:
        return [row[0] for row in await self.db.fetch(sql, *given)]

    async def truth(self, kind: str) -> list[Any]:
        return [orjson.loads(line) for line in await self.simulator.truth(kind)]

    async def requests(self) -> dict[str, int]:
        return dict((await self.simulator.stats())["requests"])

    async def faults(self, **settings: Any) -> None:
        await self.simulator.control("faults", settings)


async def connected(db: asyncpg.Connection, pool: Pool, simulator: Simulator) -> Shop:
    """Connect the simulator's shop as the gateway does, with all scopes, to a tenant of its own."""
    keys, token, tenant = new_keys(), await simulator.token(), str(uuid.uuid4())
    return Shop(
        db=db,
        simulator=simulator,
        owner=await connect_store(db, token, keys, tenant=tenant, shop_domain=simulator.shop),
        context=Context(
            pool=pool,
            bus=RecordingBus(),
            shops=shops_of(pool, simulator, keys),
            lag=timedelta(seconds=-5),  # what just happened counts as past
            roots_per_window=80,
        ),
        keys=keys,
        naive=Naive(simulator=simulator, token=token),
    )


def number(gid: str) -> int:
    """Return the number in one of Shopify's global ids."""
    return int(gid.rpartition("/")[2])
