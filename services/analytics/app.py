"""The composition root of analytics."""

from __future__ import annotations

import asyncio

from aiohttp import web

from services.analytics import handlers
from services.analytics.settings import Settings
from shared.background import in_background
from shared.bus.connect import bus_of
from shared.postgres import pool_of
from shared.web import errors_to_responses, probes

ROLE = "tillstream_analytics"


def build_app(settings: Settings) -> web.Application:
    app = web.Application(middlewares=[errors_to_responses])
    app[handlers.PACE] = handlers.Pace(
        batch_max=settings.analytics_batch_max,
        poll_seconds=settings.analytics_poll_seconds,
        verify_hours=settings.analytics_verify_hours,
    )
    app[handlers.NUDGE] = asyncio.Event()
    app.cleanup_ctx.extend(
        [
            pool_of(settings.database_url, role=ROLE, max_size=settings.database_pool_max),
            bus_of(settings.amqp_url),
            in_background(handlers.keep_draining, name="drain"),
            in_background(handlers.keep_measuring, name="measure"),
            in_background(handlers.keep_verifying, name="verify", grace_seconds=1),
            handlers.nudged,
        ]
    )
    app.add_routes(probes(handlers.database_answers))
    return app
