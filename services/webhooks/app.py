"""The composition root of the webhooks service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from services.webhooks import store
from services.webhooks.addresses import Networks
from services.webhooks.bodies import LARGEST_BODY_BYTES, Bodies
from services.webhooks.drain import drain, measure
from services.webhooks.gate import Ceiling, Gate
from services.webhooks.handlers import DOOR, Door, receive
from services.webhooks.intake import Intake
from services.webhooks.pruning import prune
from services.webhooks.settings import Settings
from services.webhooks.stores import StoreBook
from shared.background import in_background
from shared.bus.connect import BUS, bus_of
from shared.bus.topology import DELIVERIES
from shared.errors import Unavailable
from shared.keyring import KeyRing
from shared.postgres import POOL, pool_of
from shared.web import errors_to_responses, expecting, probes

# The first is canonical; the others are what earlier guides told people to register.
_PATHS: Final = (
    "/api/v1/shopify/webhooks",
    "/api/shopify/webhooks",
    "/api/shopify/webhook",
    "/api/integrations/shopify/webhook",
)


def build_app(settings: Settings) -> web.Application:
    """Return the service, with nothing opened yet."""
    app = web.Application(client_max_size=LARGEST_BODY_BYTES)
    app.cleanup_ctx.extend(
        [
            pool_of(
                settings.database_url,
                role="tillstream_webhooks",
                max_size=settings.database_pool_max,
                answers_within=store.ANSWER_SECONDS,
            ),
            bus_of(settings.amqp_url),
            _door_of(settings),
            in_background(drain, name="drain the spool"),
            in_background(prune, name="prune large bodies"),
            in_background(measure, name="measure the spool", grace_seconds=1),
        ]
    )
    route = partial(app.router.add_route, expect_handler=expecting)
    for path in _PATHS:
        route("POST", path, receive)
        route("POST", path + "/{topic:.*}", receive)
    for probe in probes(ready):
        route(probe.method, probe.path, _guarded(probe.handler))
    route("*", "/{anything:.*}", _elsewhere)
    return app


async def ready(app: web.Application) -> None:
    """Raise Unavailable when a delivery could be kept neither in Postgres nor on the bus."""
    try:
        await app[DOOR].book.store("")
    except Unavailable:
        await app[BUS].depth(DELIVERIES)


async def _elsewhere(request: web.Request) -> web.Response:
    if any(f"{request.path}/".startswith(f"{path}/") for path in _PATHS):
        raise web.HTTPMethodNotAllowed(request.method, ["POST"])
    raise web.HTTPNotFound


def _door_of(settings: Settings) -> Callable[[web.Application], AsyncIterator[None]]:
    async def door(app: web.Application) -> AsyncIterator[None]:
        intake = Intake(app[BUS], app[POOL], spooling=bool(settings.amqp_url))
        app[DOOR] = Door(
            secrets=settings.app_secrets,
            ring=KeyRing.parse(settings.shopify_encryption_key.get_secret_value()),
            pool=app[POOL],
            book=StoreBook(partial(store.live_store, app[POOL])),
            intake=intake,
            bodies=Bodies(),
            turns=asyncio.Semaphore(max(1, settings.database_pool_max // 2)),
            gate=Gate(
                proxies=Networks.parse(settings.trusted_proxies),
                allowed=Networks.parse(settings.webhooks_allowed_networks),
                per_second=settings.webhooks_refusals_per_second,
            ),
            ceiling=Ceiling(settings.webhooks_shop_per_second, crowded=intake.crowded),
            max_age_seconds=settings.webhooks_max_age_hours * 3600,
        )
        yield
        await intake.close()

    return door


def _guarded(handler: Handler) -> Handler:
    """Give the probes the middleware that the hot route does without."""

    async def run(request: web.Request) -> web.StreamResponse:
        return await errors_to_responses(request, handler)

    return run
