"""The syncer as an app: its consumers, its loops and the probes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

from aiohttp import web

from services.syncer import (
    drift,
    frozen,
    outgoing,
    privacy,
    pruning,
    refetch,
    schedule,
    schema_drift,
)
from services.syncer.context import Context
from services.syncer.handlers import deliveries, jobs
from services.syncer.posting import Poster
from services.syncer.sending import Sender, send
from services.syncer.settings import Settings
from services.syncer.shops import Access, Shops
from shared.background import in_background
from shared.bus.announcing import Announcer
from shared.bus.connect import BUS, burying, bus_of
from shared.bus.topology import DELIVERIES, JOBS
from shared.keyring import KeyRing
from shared.postgres import POOL, pool_of, translated
from shared.shopify.admin_api import checked_base_url
from shared.shopify.client import Patience, open_session
from shared.shopify.pacing import PACING, pacing_of
from shared.web import errors_to_responses, probes

SETTINGS = web.AppKey("SETTINGS", Settings)
CONTEXT = web.AppKey("CONTEXT", Context)
WAKE = web.AppKey("WAKE", asyncio.Event)

# A message carries up to 64 deliveries, but one alone when they come singly, and each batch has the
# price of a transaction whatever its size; one takes up to 250 deliveries.
_MESSAGES = 64
# While PostgreSQL writes one batch, the next is read.
_BATCHES_AT_ONCE = 2


def build_app(settings: Settings) -> web.Application:
    """Wire the syncer; nothing is opened before the app starts."""
    app = web.Application(middlewares=[errors_to_responses])
    app[SETTINGS] = settings
    app[WAKE] = asyncio.Event()
    checked_base_url(settings.shopify_base_url, settings.app_env)
    app.cleanup_ctx.extend(
        [
            pool_of(
                settings.database_url,
                role="tillstream_syncer",
                max_size=settings.database_pool_max,
                own=settings.told_to_sql,
            ),
            pacing_of(
                settings.database_url,
                role="tillstream_syncer",
                per_second=settings.shopify_max_requests_per_second,
            ),
            bus_of(settings.amqp_url),
            _context,
            in_background(_run_jobs, name="jobs"),
            in_background(_refetch, name="refetches"),
            in_background(_keep_time, name="schedule"),
            in_background(_sample_nightly, name="samples"),
            in_background(_prune, name="pruning"),
            in_background(_watch_writers, name="frozen writers"),
            in_background(_attend_to_privacy, name="privacy requests"),
            in_background(_report_drift, name="schema drift"),
            in_background(_tell_others, name="domain events"),
            in_background(_announce, name="announcements"),
            in_background(_post_webhooks, name="webhooks", grace_seconds=20),
            _consume,
        ]
    )
    app.add_routes(probes(_database_answers))
    return app


async def _context(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    access = Access(
        api_version=settings.shopify_api_version,
        namespaces=settings.namespaces,
        base_url=settings.shopify_base_url,
        patience=Patience(
            attempts=settings.shopify_max_retry_attempts,
            delay_seconds=settings.shopify_retry_delay,
            breaker_failures=settings.shopify_circuit_failures,
            breaker_seconds=settings.shopify_circuit_reset_seconds,
        ),
        pacing=app[PACING],
    )
    keys = KeyRing.parse(settings.shopify_encryption_key.get_secret_value())
    async with open_session() as session:
        app[CONTEXT] = Context(
            pool=app[POOL],
            bus=app[BUS],
            shops=Shops(app[POOL], session, keys=keys, access=access),
            overlap=timedelta(seconds=settings.shopify_sync_overlap),
            lag=timedelta(seconds=settings.shopify_sync_lag),
            webhook_url=settings.shopify_webhook_url,
            roots_per_window=settings.shopify_sync_window,
            sample_size=settings.shopify_reconcile_sample,
        )
        yield


async def _consume(app: web.Application) -> AsyncIterator[None]:
    apply = deliveries.consumer(app[POOL], app[BUS])
    wake = jobs.waker(app[WAKE])
    async with (
        AsyncExitStack() as stack,
        app[BUS].consuming(JOBS, wake, batch_max=16, prefetch=16),
    ):
        for _ in range(_BATCHES_AT_ONCE):
            await stack.enter_async_context(
                app[BUS].consuming(DELIVERIES, apply, batch_max=_MESSAGES, prefetch=_MESSAGES)
            )
        yield


async def _run_jobs(app: web.Application, stop: asyncio.Event) -> None:
    at_once = app[SETTINGS].syncer_jobs_at_once
    await jobs.work(app[CONTEXT], stop, wake=app[WAKE], at_once=at_once)


async def _refetch(app: web.Application, stop: asyncio.Event) -> None:
    await refetch.run(app[CONTEXT], stop)


async def _keep_time(app: web.Application, stop: asyncio.Event) -> None:
    settings = app[SETTINGS]
    await schedule.keep_time(
        app[CONTEXT],
        stop,
        intervals=settings.intervals,
        full_interval=settings.shopify_sync_full_interval,
    )


async def _sample_nightly(app: web.Application, stop: asyncio.Event) -> None:
    await drift.keep_nightly(app[CONTEXT], stop, hour=app[SETTINGS].shopify_reconcile_hour)


async def _report_drift(app: web.Application, stop: asyncio.Event) -> None:
    await schema_drift.run(app[POOL], stop)


async def _prune(app: web.Application, stop: asyncio.Event) -> None:
    kept = pruning.Kept(
        events=timedelta(days=app[SETTINGS].events_kept_days),
        dead_letters=timedelta(days=app[SETTINGS].dead_letters_kept_days),
    )
    await pruning.run(app[POOL], burying(app[BUS], app[POOL]), stop, kept=kept)


async def _watch_writers(app: web.Application, stop: asyncio.Event) -> None:
    await frozen.watch(app[POOL], stop)


async def _tell_others(app: web.Application, stop: asyncio.Event) -> None:
    await outgoing.relay(app[POOL], stop, announced=app[SETTINGS].domain_events)


async def _announce(app: web.Application, stop: asyncio.Event) -> None:
    settings = app[SETTINGS]
    if settings.domain_events:
        await outgoing.announce(app[POOL], Announcer(settings.amqp_url), stop)


async def _post_webhooks(app: web.Application, stop: asyncio.Event) -> None:
    settings = app[SETTINGS]
    keys = KeyRing.parse(settings.shopify_encryption_key.get_secret_value())
    poster = Poster(anywhere=settings.app_env != "production")
    await send(Sender(pool=app[POOL], poster=poster, keys=keys), stop)
    await poster.close()


async def _attend_to_privacy(app: web.Application, stop: asyncio.Event) -> None:
    await privacy.run(app[POOL], burying(app[BUS], app[POOL]), stop)


async def _database_answers(app: web.Application) -> None:
    with translated():
        async with app[POOL].acquire(timeout=2):
            pass
