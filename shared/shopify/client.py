"""The shell around the Admin API: one shop's session, pace and retries."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import aiohttp
import stamina
import structlog
from prometheus_client import Counter

from shared.errors import NotFound, Rejected, Throttled, Unauthorized, Unavailable
from shared.shopify import admin_api
from shared.shopify.breaker import Breaker
from shared.shopify.cost import Bucket

log = structlog.get_logger()

REQUESTS_TOTAL = Counter(
    "tillstream_shopify_requests_total",
    "Requests to the Admin API by outcome: ok, or the error's code.",
    ["outcome"],
)
VERSION_MISMATCHES_TOTAL = Counter(
    "tillstream_shopify_version_mismatches_total",
    "Answers served by another API version than the one asked for.",
)

Token: TypeAlias = Callable[[], Awaitable[str]]

_DOWNLOAD_BUFFER_BYTES = 1024 * 1024
_DOWNLOAD_SILENCE_SECONDS = 60
_DOWNLOAD_GONE = (400, 403, 404, 410)  # how storage hosts answer for an expired signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to try. Waits double from *delay_seconds*, with jitter."""

    attempts: int = 5
    delay_seconds: float = 1.0
    timeout_seconds: float = 30.0
    breaker_failures: int = 5
    breaker_seconds: float = 30.0


_PATIENCE = Patience()


def open_session() -> aiohttp.ClientSession:
    """Open the session a process shares: no cookies, no proxy from the environment."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())


class ShopClient:
    """One shop's Admin API. Keep one per shop and process: it holds the shop's cost bucket.

    *token* is awaited before every request, and once more after a 401, so that a token rotated
    meanwhile is picked up. *base_url* is the simulator's template, empty for Shopify itself.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        shop_domain: str,
        token: Token,
        api_version: str,
        base_url: str = "",
        patience: Patience = _PATIENCE,
    ) -> None:
        self.shop_domain = admin_api.shop_domain(shop_domain)
        self._url = admin_api.graphql_url(self.shop_domain, api_version, base_url)
        self._session = session
        self._token = token
        self._api_version = api_version
        self._base_url = base_url
        self._patience = patience
        self._bucket = Bucket()
        self._breaker = Breaker(
            failures=patience.breaker_failures, reset_seconds=patience.breaker_seconds
        )
        self._warned = False

    async def execute(self, document: str, variables: Mapping[str, object] | None = None) -> bytes:
        """Execute *document* and return the JSON bytes of ``data``.

        Raises what ``admin_api.decipher`` raises, after the retries that are safe. ``userErrors``
        of a mutation are part of the data: reading them is the caller's.
        """
        async for attempt in stamina.retry_context(
            on=lambda error: admin_api.worth_repeating(error, document),
            attempts=self._patience.attempts,
            timeout=None,
            wait_initial=self._patience.delay_seconds,
            wait_jitter=self._patience.delay_seconds,
            wait_max=admin_api.LONGEST_WAIT_SECONDS,
        ):
            with attempt:
                return await self._with_fresh_token(document, variables)
        raise AssertionError  # pragma: no cover - the loop returns or raises

    async def download(self, url: str) -> AsyncIterator[bytes]:
        """Stream a result file, without our token.

        Raises Rejected for a foreign host, NotFound once the URL expired, Unavailable when the
        stream breaks: what was yielded until then is good.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_read=_DOWNLOAD_SILENCE_SECONDS)
        with _network_errors():
            async with self._session.get(
                admin_api.downloadable(url, self._base_url),
                allow_redirects=False,
                timeout=timeout,
                read_bufsize=_DOWNLOAD_BUFFER_BYTES,
            ) as response:
                if response.status in _DOWNLOAD_GONE:
                    raise NotFound("the result is no longer there", code="download_gone")
                if response.status != 200:
                    admin_api.raise_for_status(response.status, response.headers, b"")
                async for chunk in response.content.iter_any():
                    yield chunk

    async def _with_fresh_token(
        self, document: str, variables: Mapping[str, object] | None
    ) -> bytes:
        token = await self._token()
        try:
            return await self._paced(document, variables, token)
        except Unauthorized:
            newer = await self._token()
            if newer == token:
                raise
            return await self._paced(document, variables, newer)

    async def _paced(
        self, document: str, variables: Mapping[str, object] | None, token: str
    ) -> bytes:
        clock = asyncio.get_running_loop().time
        self._breaker.admit(clock())
        expected = self._bucket.expected(document)
        wait = self._bucket.wait_seconds(expected, clock())
        self._bucket.hold(expected)
        try:
            await asyncio.sleep(wait)
            answer = await self._asked(document, variables, token)
        finally:
            self._bucket.release(expected)
        if answer.cost:
            self._bucket.learn(document, answer.cost, clock())
        return answer.data

    async def _asked(
        self, document: str, variables: Mapping[str, object] | None, token: str
    ) -> admin_api.Answer:
        clock = asyncio.get_running_loop().time
        request = admin_api.graphql_request(document, variables, url=self._url, token=token)
        try:
            answer = admin_api.decipher(
                *await send(self._session, request, timeout_seconds=self._patience.timeout_seconds)
            )
        except (Rejected, Unavailable) as error:
            REQUESTS_TOTAL.labels(error.code).inc()
            self._remember(error, clock())
            raise
        REQUESTS_TOTAL.labels("ok").inc()
        self._breaker.succeeded()
        self._compare_version(answer.api_version)
        return answer

    def _remember(self, error: Rejected | Unavailable, now: float) -> None:
        if isinstance(error, Throttled):
            self._bucket.drain(now)
        elif isinstance(error, Unavailable):
            self._breaker.failed(now)
        else:
            self._breaker.succeeded()

    def _compare_version(self, served: str) -> None:
        if not served or served == self._api_version:
            return
        VERSION_MISMATCHES_TOTAL.inc()
        if not self._warned:
            self._warned = True
            log.warning("other api version served", asked=self._api_version, served=served)


async def send(
    session: aiohttp.ClientSession, request: admin_api.Request, *, timeout_seconds: float = 30.0
) -> tuple[int, Mapping[str, str], bytes]:
    """POST *request* without following redirects; return status, headers and body.

    Raises Unavailable: ``shopify_unreachable`` when nothing was sent, else ``shopify_silent``.
    """
    with _network_errors():
        async with session.post(
            request.url,
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=timeout_seconds),
        ) as response:
            return response.status, response.headers, await response.read()


@contextlib.contextmanager
def _network_errors() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as exc:
        raise Unavailable("Shopify cannot be reached", code="shopify_unreachable") from exc
    except (aiohttp.ClientError, TimeoutError, OSError) as exc:
        raise Unavailable("Shopify did not answer", code="shopify_silent") from exc
