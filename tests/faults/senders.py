"""Faults of what is sent: doubled, shuffled, late, too large, malformed, forged."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Sequence

from tests.faults.driver import resent
from tests.faults.orders import Change, Shop
from tests.faults.rig import OWN_SECRET, Rig

_MIB = 1024 * 1024


async def duplicates(rig: Rig, chance: random.Random) -> None:
    changes = rig.driver.histories.take(300)
    again = [resent(one) for one in changes[::3]]
    tasks = [rig.driver.begin(one) for one in (*changes, *changes, *changes, *again)]
    await asyncio.gather(*tasks)


async def shuffled(rig: Rig, chance: random.Random) -> None:
    changes = rig.driver.histories.take(300)
    chance.shuffle(changes)
    await asyncio.gather(*(rig.driver.begin(one) for one in changes))


async def a_day_late(rig: Rig, chance: random.Random) -> None:
    changes = rig.driver.histories.take(300)
    await asyncio.gather(*(rig.driver.begin(one) for one in changes if one not in changes[::3]))
    await rig.driver.more(50)
    await asyncio.gather(*(rig.driver.begin(one) for one in changes[::3]))


async def oversized(rig: Rig, chance: random.Random) -> None:
    for padding in (3 * _MIB // 2, 4 * _MIB):
        await rig.driver.begin(rig.driver.histories.large(padding))
    for _ in range(3):
        await rig.driver.post(_stray(rig, b"x" * (17 * _MIB)), expected=413, state="refused")


async def malformed(rig: Rig, chance: random.Random) -> None:
    for body in (b"", b"{", b"[]", b'{"id": "seven"}', b"\x00\xff", b'{"id": 1}'):
        await rig.driver.post(_stray(rig, body), state="dead")
    for name in ("X-Shopify-Webhook-Id", "X-Shopify-Topic", "X-Shopify-Shop-Domain"):
        change = _stray(rig, b"{}")
        await rig.driver.post(change, expected=400, state="refused", without=[name])
    await rig.driver.post(
        _stray(rig, b"{}"), expected=400, state="refused", path="/products/update"
    )


async def wrong_secret(rig: Rig, chance: random.Random) -> None:
    posts = [
        rig.driver.post(resent(one), expected=401, state="refused", secret="shpss_wrong")
        for one in _told(rig, 200)
    ]
    await asyncio.gather(*posts)


async def forged_shop(rig: Rig, chance: random.Random) -> None:
    """Name a shop that nobody connected, and others' shops under the first one's own secret."""
    first = rig.shops[0]
    for change in _told(rig, 100):
        nobody = dataclasses.replace(change.shop, domain="nobody.myshopify.com")
        stray = resent(dataclasses.replace(change, shop=nobody))
        await rig.driver.post(stray, expected=404, state="refused")
        if change.shop != first:
            forged = resent(change)
            await rig.driver.post(forged, expected=401, state="refused", secret=OWN_SECRET)
    for change in rig.driver.histories.take(50):
        if change.shop == first:
            await rig.driver.post(change, secret=OWN_SECRET)


def _told(rig: Rig, count: int) -> Sequence[Change]:
    return list(rig.driver.accepted.values())[:count]


def _stray(rig: Rig, body: bytes) -> Change:
    """Return a delivery that is about no order of ours."""
    shop: Shop = rig.shops[0]
    like = rig.driver.histories.take(1)[0]
    return resent(
        dataclasses.replace(like, shop=shop, topic="orders/updated", order_id=0, body=body)
    )
