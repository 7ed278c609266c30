"""Run the gateway, or one of its commands; ``--help`` lists them."""

from __future__ import annotations

import sys

from services.gateway.app import build_app
from services.gateway.command import parsed, run_command
from services.gateway.settings import Settings
from shared import log
from shared.keyring import KeyRing
from shared.starting import serve, settings_or_exit


def main(arguments: list[str]) -> int:
    """Do what *arguments* ask; return the exit code."""
    asked = parsed(arguments)
    settings = settings_or_exit(Settings)
    log.configure(
        "gateway",
        level=settings.log_level,
        levels=settings.log_levels,
        fmt=settings.log_format,
    )
    if asked.command not in (None, "serve"):
        ring = KeyRing.parse(settings.shopify_encryption_key.get_secret_value())
        return run_command(settings.database_url, ring, asked)
    serve(build_app(settings), settings, port=settings.gateway_port)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
