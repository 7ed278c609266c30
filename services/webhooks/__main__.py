"""``python -m services.webhooks``."""

from __future__ import annotations

import uvloop
from aiohttp import web

from services.webhooks.app import build_app
from services.webhooks.settings import Settings
from shared import log

if __name__ == "__main__":
    settings = Settings()
    log.configure("webhooks", level=settings.log_level, fmt=settings.log_format)
    web.run_app(
        build_app(settings),
        host=settings.host,
        port=settings.webhooks_port,
        loop=uvloop.new_event_loop(),
        access_log=None,
        backlog=1024,
        shutdown_timeout=20,
        print=None,
    )
