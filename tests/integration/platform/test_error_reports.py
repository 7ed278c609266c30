"""Errors of real services reach what plays Sentry; without it the services go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.gateway.command import create_tenant
from shared.clock import now
from shared.keyring import generate_key
from shared.metrics import ERROR_REPORTS_TOTAL
from shared.postgres import open_pool
from shared.reporting import Reports
from shared.sentry import Dsn
from tests.integration.processes import Process, free_port

KEY = "0123456789abcdef"


@dataclass
class Sentry:
    """Keeps what it is sent; answers with *statuses* first, then 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    auth: str = ""
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        self.auth = request.headers["X-Sentry-Auth"]
        _, item, payload, _ = (await request.read()).split(b"\n")
        assert orjson.loads(item)["type"] == "event"
        if self.statuses:
            return web.Response(status=self.statuses.pop(0), headers={"Retry-After": "0"})
        self.events.append(orjson.loads(payload))
        self.came.set()
        return web.json_response({"id": self.events[-1]["event_id"]})


@pytest.fixture
async def sentry() -> AsyncIterator[Sentry]:
    played = Sentry()
    app = web.Application()
    app.router.add_post("/api/42/envelope/", played.take)
    async with TestServer(app) as server:
        played.url = f"http://{KEY}@127.0.0.1:{server.port}/42"
        yield played


def a_gateway(dsn: str, sentry_dsn: str) -> Process:
    return Process(
        "gateway",
        {
            "APP_ENV": "test",
            "DATABASE_URL": dsn,
            "SHOPIFY_CLIENT_SECRET": "hush",
            "SHOPIFY_ENCRYPTION_KEY": generate_key(),
            "JWT_SECRET": "a secret of at least thirty-two bytes",
            "SENTRY_DSN": sentry_dsn,
        },
    )


async def failed_request(gateway: Process, dsn: str, db: asyncpg.Connection) -> str:
    """Have *gateway* meet a table that is not as it should be; return the request's id."""
    pool = await open_pool(dsn, role="tillstream_gateway")
    _, key = await create_tenant(pool, "alba")
    await pool.close()
    await db.execute("ALTER TABLE accounts.stores RENAME COLUMN plan TO plan_away")
    try:
        async with (
            aiohttp.ClientSession(headers={"X-API-Key": key}) as session,
            session.get(f"http://127.0.0.1:{gateway.port}/api/v1/shopify/stores") as answer,
        ):
            assert answer.status == 500
            return answer.headers["X-Request-Id"]
    finally:
        await db.execute("ALTER TABLE accounts.stores RENAME COLUMN plan_away TO plan")


async def counted(service: Process) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{service.port}/metrics") as answer,
    ):
        return await answer.text()


async def test_an_error_that_nobody_caught_reaches_sentry(
    dsn: str, db: asyncpg.Connection, sentry: Sentry
) -> None:
    gateway = a_gateway(dsn, sentry.url)
    await gateway.start()
    try:
        request_id = await failed_request(gateway, dsn, db)
        async with asyncio.timeout(10):
            await sentry.came.wait()
    finally:
        ended = await gateway.terminate()

    (event,) = sentry.events
    assert ended == 0
    assert f"sentry_key={KEY}" in sentry.auth
    assert event["logentry"] == {"formatted": "request failed"}
    assert event["tags"] == {
        "service": "gateway",
        "route": "/api/v1/shopify/stores",
        "request_id": request_id,
    }
    told = event["exception"]["values"][-1]
    assert told["type"] == "UndefinedColumnError"
    ours = [frame["module"] for frame in told["stacktrace"]["frames"] if frame["in_app"]]
    assert ours[0] == "shared.web"
    assert any(module.startswith("services.gateway.store") for module in ours)


async def test_what_happened_last_is_reported_before_the_end(
    dsn: str, db: asyncpg.Connection, sentry: Sentry
) -> None:
    gateway = a_gateway(dsn, sentry.url)
    await gateway.start()

    await failed_request(gateway, dsn, db)
    ended = await gateway.terminate()

    assert (ended, len(sentry.events)) == (0, 1)


async def test_work_that_dies_with_its_process_is_reported(
    dsn: str, db: asyncpg.Connection, sentry: Sentry
) -> None:
    analytics = Process("analytics", {"DATABASE_URL": dsn, "SENTRY_DSN": sentry.url})
    await analytics.start()
    await db.execute("ALTER TABLE analytics.order_marks RENAME TO marks_away")
    try:
        async with asyncio.timeout(20):
            while analytics.ended is None:
                await asyncio.sleep(0.05)
    finally:
        await db.execute("ALTER TABLE analytics.marks_away RENAME TO order_marks")
        await analytics.kill()

    event = sentry.events[0]
    assert (event["level"], event["logentry"]["formatted"]) == ("fatal", "background work died")
    assert event["tags"]["service"] == "analytics"
    # Whichever loop asked first.
    assert event["tags"]["work"] in ("drain", "measure")
    assert event["exception"]["values"][-1]["type"] == "UndefinedTableError"


async def test_a_service_goes_on_without_sentry(dsn: str, db: asyncpg.Connection) -> None:
    gateway = a_gateway(dsn, f"http://{KEY}@127.0.0.1:{free_port()}/42")
    await gateway.start()
    try:
        await failed_request(gateway, dsn, db)
        async with asyncio.timeout(10):
            while 'error_reports_total{outcome="failed"} 1.0' not in await counted(gateway):
                await asyncio.sleep(0.1)
    finally:
        ended = await gateway.terminate()

    assert ended == 0


async def test_beyond_a_hundred_reports_are_dropped_and_a_refusal_ends_a_round(
    sentry: Sentry,
) -> None:
    sentry.statuses = [429]
    before = {name: value(name) for name in ("sent", "failed", "dropped")}
    reports = Reports(Dsn.parse(sentry.url), environment="test")
    stop = asyncio.Event()

    for number in range(130):
        reports.add("error", {"event": f"error {number}"}, None)
    sending = asyncio.create_task(reports.send_until(stop))
    async with asyncio.timeout(10):
        while len(sentry.events) < 99:
            await asyncio.sleep(0.02)
    stop.set()
    await sending

    assert {name: value(name) - had for name, had in before.items()} == {
        "sent": 99,
        "failed": 1,
        "dropped": 30,
    }
    assert sentry.events[0]["logentry"] == {"formatted": "error 1"}
    assert sentry.events[0]["timestamp"] <= now().isoformat()


def value(outcome: str) -> float:
    return ERROR_REPORTS_TOTAL.labels(outcome)._value.get()
