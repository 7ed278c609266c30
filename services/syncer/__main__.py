"""``python -m services.syncer``."""

from __future__ import annotations

from services.syncer.app import build_app
from services.syncer.settings import Settings
from shared import log
from shared.starting import serve, settings_or_exit

if __name__ == "__main__":
    settings = settings_or_exit(Settings)
    log.configure("syncer", level=settings.log_level, fmt=settings.log_format)
    serve(build_app(settings), settings, port=settings.syncer_port)
