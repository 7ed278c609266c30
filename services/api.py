"""JSON over HTTP, as a user of our API and of the simulator's controls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from shared.errors import Unavailable


class Api:
    """One server's JSON API under *base*; *headers* go with every request."""

    def __init__(
        self, session: aiohttp.ClientSession, base: str, headers: dict[str, str] | None = None
    ) -> None:
        self._session = session
        self._headers = headers or {}
        self.base = base

    async def get(self, path: str, **query: str | int) -> Any:
        """Return the answer's JSON; raise Unavailable when it is not a success."""
        return await self._ask("GET", path, params=query)

    async def post(self, path: str, body: object) -> Any:
        """Send *body* and return the answer's JSON; raise Unavailable when it is no success."""
        return await self._ask("POST", path, json=body)

    async def delete(self, path: str) -> Any:
        """Return the answer's JSON; raise Unavailable when it is not a success."""
        return await self._ask("DELETE", path)

    async def lines(self, path: str) -> AsyncIterator[bytes]:
        """Yield the answer line by line; raise Unavailable when it is not a success."""
        rest = b""
        async with self._session.get(self.base + path, headers=self._headers) as answer:
            await require_success(answer)
            async for chunk in answer.content.iter_any():
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield line
        if rest:
            yield rest

    async def _ask(self, method: str, path: str, **how: Any) -> Any:
        async with self._session.request(
            method, self.base + path, headers=self._headers, **how
        ) as answer:
            await require_success(answer)
            return await answer.json(content_type=None)


async def require_success(answer: aiohttp.ClientResponse) -> None:
    """Raise Unavailable, with what *answer* says, unless it is a success."""
    if not answer.ok:
        said = (await answer.text())[:300]
        raise Unavailable(f"{answer.method} {answer.url.path} answered {answer.status}: {said}")
