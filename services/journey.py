"""What a merchant does: connect a store through OAuth, watch it sync, have live changes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from services.api import Api, require_success
from services.screen import JobBars, Screen
from shared.errors import Unavailable

SHOP = "demo-store.myshopify.com"
PREFIX = "/api/v1/shopify"
_PATIENCE = aiohttp.ClientTimeout(total=60)
_UNENDED = frozenset({"queued", "running"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The connected store, seen from our API and from the simulator."""

    shop_id: int
    currency: str
    api: Api
    simulator: Api

    async def live(self, *, rate: float, count: int | None = None) -> None:
        """Let the simulated merchant and customers act."""
        wish = {"rate_per_second": rate} | ({"count": count} if count else {})
        await self.simulator.post(f"/_sim/shops/{SHOP}/live", wish)

    async def stop_live(self) -> None:
        """Let them rest."""
        await self.simulator.delete(f"/_sim/shops/{SHOP}/live")

    async def jobs(self) -> Sequence[Mapping[str, Any]]:
        """Return the newest sync jobs."""
        answer = await self.api.get(f"{PREFIX}/stores/{self.shop_id}/sync/jobs", limit=250)
        jobs: Sequence[Mapping[str, Any]] = answer["data"]
        return jobs

    async def sales(self, interval: str) -> Mapping[str, Any]:
        """Return the store's sales figures per *interval*, all of its history."""
        path = f"{PREFIX}/analytics/sales"
        answer = await self.api.get(path, shop_id=self.shop_id, interval=interval)
        figures: Mapping[str, Any] = answer["data"]
        return figures


async def connected(api: Api, simulator: Api, screen: Screen) -> Store:
    """Return the demo store, connected through OAuth unless it is already."""
    found = await _store(api)
    if found is None or found["status"] != "active":
        start = await api.post(f"{PREFIX}/oauth/authorize", {"shop_domain": SHOP})
        await _authorised(start["data"]["url"])
        found = await _store(api)
        screen.say(f"{SHOP} connected through OAuth")
    else:
        screen.say(f"{SHOP} is still connected")
    if found is None:
        raise Unavailable(f"{SHOP} is not among the stores after its OAuth callback")
    return Store(
        shop_id=found["shop_id"],
        currency=found["currency"] or "",
        api=api,
        simulator=simulator,
    )


async def _authorised(url: str) -> None:
    """Do what the merchant's browser does: open the page, go on, approve, come back."""
    # The demo's addresses may be numbers, for which cookies are not kept by default.
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=_PATIENCE) as browser:
        for method in ("GET", "POST"):
            async with browser.request(method, url) as answer:
                await require_success(answer)


async def _store(api: Api) -> Mapping[str, Any] | None:
    stores = (await api.get(f"{PREFIX}/stores"))["data"]
    return next((store for store in stores if store["shop_domain"] == SHOP), None)


async def synced(store: Store, screen: Screen) -> Sequence[Mapping[str, Any]]:
    """Show the full syncs until all ended; raise Unavailable when one failed."""
    with JobBars(screen) as bars:
        while True:
            jobs = [job for job in await store.jobs() if job["mode"] == "full"]
            bars.show(jobs)
            if jobs and not any(job["status"] in _UNENDED for job in jobs):
                break
            await asyncio.sleep(0.3)
    if failed := [job for job in jobs if job["status"] not in ("succeeded", "skipped")]:
        first = failed[0]
        raise Unavailable(f"the sync of {first['kind']} {first['status']}: {first['error']}")
    return jobs
