"""One POST to somebody else's server, who may not lead us into our own network."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from services.syncer.domain.outgoing import Attempt
from shared.clock import now
from shared.errors import Rejected
from shared.outgoing_webhooks import checked_url, is_public

_SECONDS: Final = 15.0
_EXCERPT_BYTES: Final = 1000
_AT_ONCE: Final = 200


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses; the connection is made to the very address it checked."""

    def __init__(self) -> None:
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not all(is_public(ip_address(one["host"].partition("%")[0])) for one in found):
            raise OSError(errno.EPERM, "the name leads into a private network")
        return found

    async def close(self) -> None:
        await self._resolver.close()


class Poster:
    """Posts to endpoints; *anywhere* also allows http and private networks, for development."""

    def __init__(self, *, anywhere: bool, seconds: float = _SECONDS) -> None:
        self._anywhere = anywhere
        resolver = aiohttp.ThreadedResolver() if anywhere else PublicResolver()
        # A name may resolve to something else tomorrow, so nothing is remembered of it.
        connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit=_AT_ONCE)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "Tillstream-Webhooks/1", "Content-Type": "application/json"},
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """Post *body*; whatever goes wrong is told by the attempt."""
        started = time.perf_counter()
        status, error, excerpt = await self._answer(url, body, headers)
        return Attempt(
            at=now(),
            milliseconds=round(1000 * (time.perf_counter() - started)),
            status=status,
            error=error,
            excerpt=excerpt,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def _answer(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int | None, str | None, str | None]:
        status: int | None = None
        try:
            checked_url(url, anywhere=self._anywhere)
            async with self._session.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                status = answer.status
                text = await _beginning(answer)
        except Rejected as exc:
            return None, str(exc), None
        except TimeoutError:
            return status, "no answer in time", None
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            return status, f"{type(exc).__name__}: {exc}"[:500], None
        error = None if 200 <= status < 300 else f"answered {status}"
        return status, error, text


async def _beginning(answer: aiohttp.ClientResponse) -> str:
    found = b""
    while len(found) < _EXCERPT_BYTES and (part := await answer.content.read(_EXCERPT_BYTES)):
        found += part
    if not answer.content.at_eof():
        # The rest is nobody's business, however long it is.
        answer.close()
    # Postgres holds every character but this one.
    return found[:_EXCERPT_BYTES].decode(errors="replace").replace("\0", "")
