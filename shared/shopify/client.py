"""The shell around the Admin API: one shop's session, pace and retries."""

from __future__ import annotations

import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import aiohttp
import stamina
import structlog
from prometheus_client import Counter, Gauge

from shared.errors import Rejected, Throttled, Unauthorized, Unavailable
from shared.shopify import admin_api
from shared.shopify.breaker import Breaker, State
from shared.shopify.cost import Outcome
from shared.shopify.documents import Namespaces
from shared.shopify.download import network_errors, stream
from shared.shopify.pacing import Pace, Pacing

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

CIRCUITS = Gauge(
    "tillstream_shopify_circuits",
    "Circuit breakers of this process, one per shop, by state: closed, open or half_open.",
    ["state"],
)

Token: TypeAlias = Callable[[], Awaitable[str]]
Variables: TypeAlias = Mapping[str, object] | None

# A request is over when its timeout is; until then its points count as asked for.
_TIMEOUT_MARGIN_SECONDS = 5.0
# How long everybody stays away after a 429 that names no time.
_PAUSE_SECONDS = 1.0
_now = time.monotonic


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to try. Waits double from *delay_seconds*, with jitter."""

    attempts: int = 5
    delay_seconds: float = 1.0
    timeout_seconds: float = 30.0
    breaker_failures: int = 5
    breaker_seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms a shop is asked.

    *on_version* hears which other API version served an answer than the one asked for.
    *namespaces* are those whose metafields the shop is asked for.
    """

    patience: Patience = field(default_factory=Patience)
    pace: Pace = field(default_factory=lambda: Pacing().pace())
    on_version: Callable[[str], None] = lambda _: None
    namespaces: Namespaces = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """The JSON bytes of ``data``, and the fields that Shopify withheld: paths without positions."""

    data: bytes
    denied: list[str]


def open_session() -> aiohttp.ClientSession:
    """Open the session a process shares: no cookies, no proxy from the environment."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())


class ShopClient:
    """One shop's Admin API. Keep one per shop and process: it holds the shop's circuit breaker.

    *token* is awaited before every request, and once more after a 401, so that a token rotated
    meanwhile is picked up. *base_url* is the simulator's template, empty for Shopify itself.
    *lacking* are scopes that the app is known not to have.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        shop_domain: str,
        token: Token,
        api_version: str,
        base_url: str = "",
        terms: Terms | None = None,
    ) -> None:
        terms = terms or Terms()
        self.shop_domain = admin_api.shop_domain(shop_domain)
        self._url = admin_api.graphql_url(self.shop_domain, api_version, base_url)
        self._session = session
        self._token = token
        self._api_version = api_version
        self._base_url = base_url
        self._terms = terms
        self._patience = terms.patience
        self._pace = terms.pace
        self._breaker = Breaker(
            failures=terms.patience.breaker_failures, reset_seconds=terms.patience.breaker_seconds
        )
        _BREAKERS.add(self._breaker)
        self._warned = False
        self.namespaces = terms.namespaces
        self.lacking: frozenset[str] = frozenset()

    @property
    def is_resting(self) -> bool:
        """Whether requests are refused unsent, because several failed in a row."""
        return self._breaker.refuses(_now())

    async def execute(self, document: str, variables: Variables = None) -> bytes:
        """Execute *document* and return the JSON bytes of ``data``.

        Raises what ``admin_api.decipher`` raises, after the retries that are safe. ``userErrors``
        of a mutation are part of the data: reading them is the caller's.
        """
        return (await self._repeated(document, variables, partial=False)).data

    async def execute_partial(self, document: str, variables: Variables = None) -> Partial:
        """Execute *document*; fields that the app may not read are null, and named.

        Raises as ``execute`` does when anything else is wrong, or nothing was answered at all.
        """
        answer = await self._repeated(document, variables, partial=True)
        return Partial(data=answer.data, denied=list(answer.denied))

    async def download(self, url: str) -> AsyncIterator[bytes]:
        """Stream a result file, without our token.

        Raises Rejected for a foreign host, and what ``download.stream`` raises.
        """
        async for chunk in stream(self._session, admin_api.downloadable(url, self._base_url)):
            yield chunk

    async def _repeated(
        self, document: str, variables: Variables, *, partial: bool
    ) -> admin_api.Answer:
        async for attempt in stamina.retry_context(
            on=lambda error: admin_api.worth_repeating(error, document),
            attempts=self._patience.attempts,
            timeout=None,
            wait_initial=self._patience.delay_seconds,
            wait_jitter=self._patience.delay_seconds,
            wait_max=admin_api.LONGEST_WAIT_SECONDS,
        ):
            with attempt:
                return await self._with_fresh_token(document, variables, partial=partial)
        raise AssertionError  # pragma: no cover - the loop returns or raises

    async def _with_fresh_token(
        self, document: str, variables: Variables, *, partial: bool
    ) -> admin_api.Answer:
        token = await self._token()
        try:
            return await self._paced(document, variables, token, partial=partial)
        except Unauthorized:
            newer = await self._token()
            if newer == token:
                raise
            return await self._paced(document, variables, newer, partial=partial)

    async def _paced(
        self, document: str, variables: Variables, token: str, *, partial: bool
    ) -> admin_api.Answer:
        self._breaker.admit(_now())
        lasts = self._patience.timeout_seconds + _TIMEOUT_MARGIN_SECONDS
        turn = await self._pace.turn(document, variables, lasts_seconds=lasts)
        body = b""
        try:
            request = admin_api.graphql_request(document, variables, url=self._url, token=token)
            timeout = self._patience.timeout_seconds
            status, headers, body = await send(self._session, request, timeout_seconds=timeout)
            answer = admin_api.decipher(status, headers, body, partial=partial)
        except (Rejected, Unavailable) as error:
            REQUESTS_TOTAL.labels(error.code).inc()
            self._remember(error)
            outcome = self._outcome(document, variables, error, body)
            await self._pace.settle(turn, outcome, error.code)
            raise
        REQUESTS_TOTAL.labels("ok").inc()
        self._breaker.succeeded()
        self._compare_version(answer.api_version)
        if answer.cost is not None:
            self._pace.learn(document, variables, answer.cost)
        await self._pace.settle(turn, Outcome(cost=answer.cost))
        return answer

    def _outcome(
        self, document: str, variables: Variables, error: Rejected | Unavailable, body: bytes
    ) -> Outcome:
        cost = admin_api.told_cost(body)
        if cost is not None:
            self._pace.learn(document, variables, cost)
            return Outcome(cost=cost)
        if isinstance(error, Throttled):
            return Outcome(ran=False, pause_seconds=error.retry_after or _PAUSE_SECONDS)
        return Outcome(ran=error.code != "shopify_unreachable")

    def _remember(self, error: Rejected | Unavailable) -> None:
        if isinstance(error, Throttled):
            return
        if isinstance(error, Unavailable):
            self._breaker.failed(_now())
        else:
            self._breaker.succeeded()

    def _compare_version(self, served: str) -> None:
        if not served or served == self._api_version:
            return
        VERSION_MISMATCHES_TOTAL.inc()
        self._terms.on_version(served)
        if not self._warned:
            self._warned = True
            log.warning("other api version served", asked=self._api_version, served=served)


_BREAKERS: weakref.WeakSet[Breaker] = weakref.WeakSet()


def _in_state(state: State) -> int:
    return sum(breaker.state(_now()) == state for breaker in list(_BREAKERS))


CIRCUITS.labels("closed").set_function(lambda: _in_state("closed"))
CIRCUITS.labels("open").set_function(lambda: _in_state("open"))
CIRCUITS.labels("half_open").set_function(lambda: _in_state("half_open"))


async def send(
    session: aiohttp.ClientSession, request: admin_api.Request, *, timeout_seconds: float = 30.0
) -> tuple[int, Mapping[str, str], bytes]:
    """POST *request* without following redirects; return status, headers and body.

    Raises Unavailable: ``shopify_unreachable`` when nothing was sent, else ``shopify_silent``.
    """
    with network_errors():
        async with session.post(
            request.url,
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=timeout_seconds),
        ) as response:
            return response.status, response.headers, await response.read()
