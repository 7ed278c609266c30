"""Run the gateway, or one of its commands: create-tenant, create-key."""

from __future__ import annotations

import sys

import uvloop
from aiohttp import web

from services.gateway.app import build_app
from services.gateway.command import run_command
from services.gateway.settings import Settings
from shared import log


def main() -> None:
    """Start the service, or run the command that the arguments name."""
    settings = Settings()
    log.configure("gateway", level=settings.log_level, fmt=settings.log_format)
    if len(sys.argv) > 1:
        raise SystemExit(run_command(settings.database_url, sys.argv[1:]))
    web.run_app(
        build_app(settings),
        host=settings.host,
        port=settings.gateway_port,
        loop=uvloop.new_event_loop(),
        access_log=None,
        print=None,
    )


if __name__ == "__main__":
    main()
