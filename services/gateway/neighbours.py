"""The other services, asked whether they are ready."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from services.gateway.models import ServiceListed

_TIMEOUT = aiohttp.ClientTimeout(total=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Where the other services answer, by name."""

    session: aiohttp.ClientSession
    urls: Mapping[str, str]

    async def listed(self) -> list[ServiceListed]:
        """Return the gateway and each neighbour with how it is."""
        gateway = ServiceListed(name="gateway", info="ready", status="active")
        others = [self._listed(name, url) for name, url in self.urls.items()]
        return [gateway, *await asyncio.gather(*others)]

    async def _listed(self, name: str, url: str) -> ServiceListed:
        try:
            async with self.session.get(f"{url}/readyz", timeout=_TIMEOUT) as answer:
                ready = answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return ServiceListed(name=name, info="does not answer", status="inactive")
        info = "ready" if ready else "not ready"
        return ServiceListed(name=name, info=info, status="active" if ready else "inactive")


NEIGHBOURS: web.AppKey[Neighbours] = web.AppKey("NEIGHBOURS")
