"""Coroutines that live with the app; if one dies, the app dies."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import structlog
from aiohttp import web

log = structlog.get_logger()

# So long a task may take to clean up before it is told once more to end.
_AGAIN_SECONDS = 2.0

# Where an app ends already: told twice, it would leave what the rest of it has in hand.
_ending: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()

Work = Callable[[web.Application, asyncio.Event], Awaitable[None]]


def in_background(
    work: Work, *, name: str, grace_seconds: float = 10
) -> Callable[[web.Application], AsyncIterator[None]]:
    """Return a ``cleanup_ctx`` that runs ``work(app, stop)`` beside the app.

    On shutdown *stop* is set and the work has *grace_seconds* to return; then it is cancelled.
    A loop that ends by an error ends the process: a service that is up but no longer works is
    worse than one that is down.
    """

    async def running(app: web.Application) -> AsyncIterator[None]:
        stop = asyncio.Event()
        task = watched(_run(work, app, stop), name=name)
        yield
        _ending.add(asyncio.get_running_loop())
        stop.set()
        await asyncio.wait([task], timeout=grace_seconds)
        await ended(task)

    return running


async def _run(work: Work, app: web.Application, stop: asyncio.Event) -> None:
    await work(app, stop)


async def ended(task: asyncio.Task[Any]) -> None:
    """Cancel *task* and wait for its end, which it may have reached before.

    As often as it takes: aiormq swallows a cancellation that comes while a channel closes.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_AGAIN_SECONDS)


def watched(work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
    """Start *work* as a task; if it ends by an error, so does the process."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_stop_app_if_failed)
    return task


def _stop_app_if_failed(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.critical("background work died", work=task.get_name(), exc_info=error)
        if (loop := task.get_loop()) not in _ending:
            _ending.add(loop)
            raise web.GracefulExit


async def pause(stop: asyncio.Event, seconds: float) -> bool:
    """Wait *seconds* or until *stop* is set; return whether to go on."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return not stop.is_set()
