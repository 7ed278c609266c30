"""The composition root of the gateway."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import timedelta

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from services.gateway.capacity import keep_measuring
from services.gateway.conditional import only_news
from services.gateway.handlers import endpoints, health
from services.gateway.handlers.identity import MINT, REFUSALS, identify
from services.gateway.handlers.stores import on_store_left, on_store_renamed
from services.gateway.neighbours import NEIGHBOURS, Neighbours
from services.gateway.openapi import described
from services.gateway.refusals import Refusals
from services.gateway.renewal import renewing
from services.gateway.routes import ROUTES
from services.gateway.routing import IDENTIFY, added
from services.gateway.sessions import Mint
from services.gateway.settings import Settings
from services.gateway.shopify import SHOPIFY, Shopify
from services.gateway.store.accounts import ready
from shared.background import Work, in_background
from shared.bus.connect import BUS, bus_of
from shared.bus.protocol import Bury, Done, Message, Outcome, Retry
from shared.bus.topology import STORES
from shared.errors import Rejected, Unavailable
from shared.events import StoreLeft, StoreRenamed
from shared.keyring import KeyRing
from shared.postgres import POOL, pool_of, translated
from shared.shopify import oauth
from shared.shopify.client import open_session
from shared.shopify.pacing import PACING, pacing_of
from shared.web import errors_to_responses, probes, respond

_LARGEST_BODY_BYTES = 1024 * 1024
_BATCH_MAX = 20
_of_stores: TypeAdapter[StoreLeft | StoreRenamed] = TypeAdapter(StoreLeft | StoreRenamed)


def build_app(settings: Settings) -> web.Application:
    """Return the service, with nothing opened yet."""
    app = web.Application(
        middlewares=[errors_to_responses, only_news], client_max_size=_LARGEST_BODY_BYTES
    )
    app[IDENTIFY] = identify
    app[REFUSALS] = Refusals()
    app[health.VERSION] = version = _version()
    app[endpoints.ANYWHERE] = settings.app_env != "production"
    app[MINT] = _mint(settings)
    app.cleanup_ctx.extend(
        [
            pool_of(
                settings.database_url,
                role="tillstream_gateway",
                max_size=settings.database_pool_max,
                own=settings.told_to_sql,
            ),
            pacing_of(
                settings.database_url,
                role="tillstream_gateway",
                per_second=settings.shopify_max_requests_per_second,
            ),
            bus_of(settings.amqp_url),
            _shopify_of(settings),
            _departures,
            in_background(_renewal(settings), name="renew tokens"),
            in_background(keep_measuring, name="measure the database", grace_seconds=1),
        ]
    )

    @functools.cache
    def document() -> Mapping[str, object]:
        return described(ROUTES, version=version, server=settings.base or "/")

    async def openapi(_: web.Request) -> web.Response:
        return respond(document())

    app.add_routes([added(route) for route in ROUTES])
    app.add_routes([web.get("/api/v1/openapi.json", openapi), *probes(_ready)])
    return app


def _mint(settings: Settings) -> Mint:
    return Mint(
        secret=settings.jwt_secret.get_secret_value(),
        issuer=settings.jwt_issuer,
        life=timedelta(seconds=settings.jwt_ttl),
    )


def _version() -> str:
    try:
        return importlib.metadata.version("tillstream")
    except importlib.metadata.PackageNotFoundError:
        return "0+source"


async def _ready(app: web.Application) -> None:
    with translated():
        await ready(app[POOL])


def _renewal(settings: Settings) -> Work:
    return renewing(
        ahead=timedelta(seconds=settings.token_refresh_ahead_seconds),
        every_seconds=settings.token_refresh_interval_seconds,
    )


def _shopify_of(settings: Settings) -> Callable[[web.Application], AsyncIterator[None]]:
    async def shopify(app: web.Application) -> AsyncIterator[None]:
        secret = settings.shopify_client_secret.get_secret_value()
        previous = settings.shopify_client_secret_previous
        app[SHOPIFY] = Shopify(
            session=open_session(),
            app=oauth.App(
                client_id=settings.shopify_client_id,
                client_secret=secret,
                base_url=settings.shopify_base_url,
            ),
            secrets=(secret, previous.get_secret_value()) if previous else (secret,),
            scopes=settings.scopes,
            start_url=settings.start_url,
            redirect_uri=settings.redirect_uri,
            own_tenant=str(settings.shopify_client_credentials_tenant or ""),
            api_version=settings.shopify_api_version,
            ring=KeyRing.parse(settings.shopify_encryption_key.get_secret_value()),
            pacing=app[PACING],
        )
        app[NEIGHBOURS] = Neighbours(session=app[SHOPIFY].session, urls=settings.service_urls)
        yield
        await app[SHOPIFY].session.close()

    return shopify


async def _departures(app: web.Application) -> AsyncIterator[None]:
    async def note(messages: Sequence[Message]) -> list[Outcome]:
        return [await _noted(app, message) for message in messages]

    async with app[BUS].consuming(STORES, note, batch_max=_BATCH_MAX, prefetch=_BATCH_MAX):
        yield


async def _noted(app: web.Application, message: Message) -> Outcome:
    try:
        event = _of_stores.validate_json(message.body)
        if isinstance(event, StoreLeft):
            await on_store_left(
                event, pool=app[POOL], shopify=app[SHOPIFY], attempt=message.attempt
            )
        else:
            await on_store_renamed(event, pool=app[POOL])
    except ValidationError as exc:
        return Bury(f"no event of a store: {exc.error_count()} errors")
    except Rejected as exc:
        return Bury(str(exc))
    except Unavailable as exc:
        if exc.code == "database_unavailable":
            raise
        # One shop does not answer; the notices of others must not wait for it.
        return Retry(str(exc))
    return Done()
