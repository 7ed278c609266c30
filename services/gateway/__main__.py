"""Run the gateway, or one of its commands; ``--help`` lists them."""

from __future__ import annotations

import sys

from services.gateway.app import build_app
from services.gateway.command import run_command
from services.gateway.settings import Settings
from shared import log
from shared.keyring import KeyRing
from shared.starting import serve, settings_or_exit


def main() -> None:
    """Start the service, or run the command that the arguments name."""
    settings = settings_or_exit(Settings)
    log.configure("gateway", level=settings.log_level, fmt=settings.log_format)
    if len(sys.argv) > 1:
        ring = KeyRing.parse(settings.shopify_encryption_key.get_secret_value())
        raise SystemExit(run_command(settings.database_url, ring, sys.argv[1:]))
    serve(build_app(settings), settings, port=settings.gateway_port)


if __name__ == "__main__":
    main()
