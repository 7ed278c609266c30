"""``python -m services.webhooks``."""

from __future__ import annotations

import argparse

from services.webhooks.app import build_app
from services.webhooks.settings import Settings
from shared import log
from shared.starting import serve, settings_or_exit

if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m services.webhooks",
        description="Receive Shopify's webhooks. Settings come from the environment.",
    ).parse_args()
    settings = settings_or_exit(Settings)
    log.configure(
        "webhooks",
        level=settings.log_level,
        levels=settings.log_levels,
        fmt=settings.log_format,
    )
    serve(
        build_app(settings),
        settings,
        port=settings.webhooks_port,
        backlog=1024,
        shutdown_timeout=20,
        # Shopify signs what it sends.
        inflates=False,
    )
