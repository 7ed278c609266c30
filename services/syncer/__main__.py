"""``python -m services.syncer``."""

from __future__ import annotations

import uvloop
from aiohttp import web

from services.syncer.app import build_app
from services.syncer.settings import Settings
from shared import log

if __name__ == "__main__":
    settings = Settings()
    log.configure("syncer", level=settings.log_level, fmt=settings.log_format)
    web.run_app(
        build_app(settings),
        host=settings.host,
        port=settings.syncer_port,
        loop=uvloop.new_event_loop(),
        access_log=None,
    )
