"""Starting a service; what stops it is one line on standard error, without a traceback."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn, TypeVar

import uvloop
from aiohttp import web
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from shared.errors import Rejected, Unavailable
from shared.reporting import reporting
from shared.settings import ServiceSettings

Settings = TypeVar("Settings", bound=BaseSettings)


def settings_or_exit(kind: type[Settings]) -> Settings:
    """Read settings from the environment; name every one that is wrong and exit with 2."""
    try:
        return kind()
    except ValidationError as exc:
        _exit(complaint(exc))


def complaint(exc: ValidationError) -> str:
    """Return which settings are wrong, and how, as one line without their values."""
    return "; ".join(
        ": ".join([*(str(name).upper() for name in error["loc"][:1]), _reason(error["msg"])])
        for error in exc.errors(include_input=False, include_url=False)
    )


def _reason(message: str) -> str:
    return "not set" if message == "Field required" else message.removeprefix("Value error, ")


# Young objects between two looks of the cycle collector, and how often it looks at older ones.
_LOOKS = (10_000, 20, 50)


def look_for_cycles_less() -> None:
    """Have the cycle collector leave alone what is there, and look seldom for what comes.

    For a process that makes millions of short-lived values without cycles: Python's own pace, one
    look for 700 objects and now and then at everything, costs it a twentieth of its time.
    """
    gc.freeze()
    gc.set_threshold(*_LOOKS)


def serve(
    app: web.Application,
    settings: ServiceSettings,
    *,
    port: int,
    backlog: int = 128,
    shutdown_timeout: float = 60,
    inflates: bool = True,
) -> None:
    """Run *app* until told to stop; exit with 2 when it cannot start.

    *inflates* tells whether compressed bodies reach it as what they were.
    """
    if settings.sentry_dsn is not None:
        # First, so that it ends last and hears how the others end.
        app.cleanup_ctx.insert(
            0, reporting(settings.sentry_dsn.get_secret_value(), environment=settings.app_env)
        )
    try:
        web.run_app(
            app,
            host=settings.host,
            port=port,
            loop=uvloop.new_event_loop(),
            access_log=None,
            print=None,
            backlog=backlog,
            shutdown_timeout=shutdown_timeout,
            auto_decompress=inflates,
        )
    except (Rejected, Unavailable, OSError) as exc:
        _exit(str(exc))


def _exit(reason: str) -> NoReturn:
    sys.stderr.write(f"tillstream: {reason}\n")
    raise SystemExit(2)
