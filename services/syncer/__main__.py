"""``python -m services.syncer`` serves; ``--help`` names the commands."""

from __future__ import annotations

import sys

from services.syncer import command
from services.syncer.settings import Settings
from shared import log
from shared.settings import ServiceSettings
from shared.starting import look_for_cycles_less, serve, settings_or_exit


def main(arguments: list[str]) -> int:
    """Do what *arguments* ask; return the exit code."""
    asked = command.parsed(arguments)
    if asked.command not in (None, "serve"):
        return command.run(asked, settings_or_exit(ServiceSettings).database_url)
    # Only a service needs what this imports.
    from services.syncer.app import build_app

    settings = settings_or_exit(Settings)
    log.configure(
        "syncer",
        level=settings.log_level,
        levels=settings.log_levels,
        fmt=settings.log_format,
    )
    look_for_cycles_less()
    serve(build_app(settings), settings, port=settings.syncer_port)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
