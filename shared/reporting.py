"""Sends reports of errors to Sentry; when Sentry is away they are lost, and nothing else is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping

import aiohttp
import structlog
from aiohttp import web

from shared.background import in_background, pause
from shared.clock import now
from shared.log import heard_by
from shared.metrics import ERROR_REPORTS_TOTAL
from shared.sentry import Dsn, envelope

log = structlog.get_logger()

_WAITING_MOST = 100
_EVERY_SECONDS = 1.0
_ANSWER_SECONDS = 3.0
# As long as Sentry may have us wait, and as long as we let it rest when it does not say.
_REST_MOST_SECONDS = 300.0
_REST_SECONDS = 10.0


class Reports:
    """Errors that wait to be sent; those beyond a hundred are dropped."""

    def __init__(self, dsn: Dsn, *, environment: str) -> None:
        self._dsn = dsn
        self._environment = environment
        self._waiting: deque[bytes] = deque()

    def add(self, level: str, line: Mapping[str, object], error: BaseException | None) -> None:
        """Take a line of the log, from whatever thread says it."""
        if len(self._waiting) >= _WAITING_MOST:
            ERROR_REPORTS_TOTAL.labels("dropped").inc()
            return
        report = envelope(level, line, error, environment=self._environment, now=now())
        self._waiting.append(report)

    async def send_until(self, stop: asyncio.Event) -> None:
        """Send what comes, and at the end what is left."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            rest = _EVERY_SECONDS
            while await pause(stop, rest):
                rest = await self._send_waiting(session)
            await self._send_waiting(session)

    async def _send_waiting(self, session: aiohttp.ClientSession) -> float:
        """Return after how many seconds to look again."""
        while self._waiting:
            if rest := await self._sent(session, self._waiting.popleft()):
                ERROR_REPORTS_TOTAL.labels("failed").inc()
                return rest
            ERROR_REPORTS_TOTAL.labels("sent").inc()
        return _EVERY_SECONDS

    async def _sent(self, session: aiohttp.ClientSession, report: bytes) -> float:
        """Return 0 once Sentry has *report*, otherwise how many seconds to leave it alone."""
        try:
            async with session.post(
                self._dsn.url, data=report, headers=self._dsn.headers, allow_redirects=False
            ) as answer:
                if answer.status == 200:
                    return 0
                log.warning("sentry took no report", status=answer.status)
                return _rest_after(answer.headers)
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            log.warning("sentry does not answer", error=type(exc).__name__)
            return _REST_SECONDS


def _rest_after(headers: Mapping[str, str]) -> float:
    told = headers.get("Retry-After", "")
    seconds = float(told) if told.isdecimal() else _REST_SECONDS
    return min(max(seconds, _EVERY_SECONDS), _REST_MOST_SECONDS)


def reporting(dsn: str, *, environment: str) -> Callable[[web.Application], AsyncIterator[None]]:
    """Return a ``cleanup_ctx`` that reports every error the app logs."""
    reports = Reports(Dsn.parse(dsn), environment=environment)

    async def send(_: web.Application, stop: asyncio.Event) -> None:
        await reports.send_until(stop)

    sending = in_background(send, name="report errors", grace_seconds=_ANSWER_SECONDS)

    async def running(app: web.Application) -> AsyncIterator[None]:
        with heard_by(reports.add):
            async for _ in sending(app):
                yield

    return running
