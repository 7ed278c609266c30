"""What is done with the dead, the same on every bus.

An operator looks, replays and drops; what is too old goes, and what nobody may keep.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import TypeAlias

import orjson

from shared.bus.protocol import Bus, DeadLetter, DeadLetters, Message
from shared.deliveries import TOPIC as DELIVERIES
from shared.deliveries import Delivery, pack, unpack
from shared.errors import Rejected

Told: TypeAlias = Callable[[int], None]
# What died once and dies again is another death.
Death: TypeAlias = tuple[str, datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which of the dead; what is empty does not narrow.

    *reason* is part of the reason, whatever its case. *whose* is a tenant, a shop's number or its
    domain, where the message says so. *since* and *until* bound the moment of death; *among* are
    deaths listed before.
    """

    dead_id: str = ""
    topic: str = ""
    reason: str = ""
    whose: str = ""
    since: datetime | None = None
    until: datetime | None = None
    among: frozenset[Death] | None = None

    def takes(self, letter: DeadLetter) -> bool:
        """Whether *letter* is one of them."""
        return (
            self.dead_id in ("", letter.dead_id)
            and self.topic in ("", letter.message.topic)
            and self.reason.casefold() in letter.reason.casefold()
            and self._in_time(letter.died_at)
            and (self.among is None or _death(letter) in self.among)
            and (not self.whose or self.whose in owners(letter.message))
        )

    def _in_time(self, died_at: datetime | None) -> bool:
        if self.since is None and self.until is None:
            return True
        if died_at is None:
            return False
        return (self.since is None or died_at >= self.since) and (
            self.until is None or died_at < self.until
        )


class Pace:
    """Lets *per_second* steps happen per second, evenly; 0 is as fast as it goes."""

    def __init__(
        self, per_second: float = 0, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._sleep = sleep
        self._next = 0.0

    async def step(self) -> None:
        """Wait for the next step's turn."""
        now = asyncio.get_running_loop().time()
        if self._next > now:
            await self._sleep(self._next - now)
        self._next = max(now, self._next) + self._gap


def owners(message: Message) -> frozenset[str]:
    """Return the tenants, shop numbers and shop domains that *message* names."""
    try:
        if message.topic == DELIVERIES:
            parts = unpack(message.body)
            named = [(one.tenant_id, one.shop_id, one.shop_domain) for one in parts]
        else:
            said = orjson.loads(message.body)
            fields = ("tenant_id", "shop_id", "shop_domain")
            named = [tuple(said.get(name, "") for name in fields)]
    except (Rejected, orjson.JSONDecodeError, AttributeError):
        return frozenset()
    return frozenset(str(value) for values in named for value in values if value)


async def listed(bus: Bus, queue: str, wanted: Wanted) -> frozenset[Death]:
    """Return which of the dead are *wanted* now."""
    async with bus.dead_letters(queue) as letters:
        return frozenset([_death(letter) async for letter in matching(letters, wanted)])


def _death(letter: DeadLetter) -> Death:
    return letter.dead_id, letter.died_at


async def matching(
    letters: DeadLetters, wanted: Wanted, *, limit: int = 0
) -> AsyncGenerator[DeadLetter, None]:
    """Visit what is *wanted*, at most *limit* of it; 0 is all."""
    found = count(1)
    async for letter in letters:
        if wanted.takes(letter):
            yield letter
            if next(found) == limit or wanted.dead_id:
                return


async def replay(
    bus: Bus, queue: str, wanted: Wanted, *, pace: Pace | None = None, told: Told = lambda _: None
) -> int:
    """Give what is *wanted* another life, oldest first; return how many that were.

    *told* hears the count after each. What is interrupted has replayed what it told.
    """
    pace = pace or Pace()
    done = 0
    async with bus.dead_letters(queue) as letters, aclosing(matching(letters, wanted)) as found:
        async for letter in found:
            await pace.step()
            await letters.replay(letter)
            done += 1
            told(done)
    return done


async def drop(bus: Bus, queue: str, wanted: Wanted, *, told: Told = lambda _: None) -> int:
    """Forget what is *wanted* for good; return how many that were."""
    done = 0
    async with bus.dead_letters(queue) as letters, aclosing(matching(letters, wanted)) as found:
        async for letter in found:
            await letters.drop(letter)
            done += 1
            told(done)
    return done


async def expire(bus: Bus, queue: str, *, before: datetime) -> int:
    """Forget what died *before*; return how many that were.

    Raises Unavailable while somebody else looks at them, who would see fewer.
    """
    done = 0
    async with bus.dead_letters(queue, alone=True) as letters:
        async for letter in letters:
            if (letter.died_at or letter.published_at or before) < before:
                await letters.drop(letter)
                done += 1
    return done


async def weed(bus: Bus, queue: str, doomed: Callable[[Delivery], bool]) -> int:
    """Take every delivery that is *doomed* out of the dead; return how many that were.

    Raises Unavailable while somebody else looks at the dead, who may hold some of them.
    """
    taken = 0
    async with bus.dead_letters(queue, alone=True) as letters:
        async for letter in letters:
            taken += await _weed_one(letters, letter, doomed)
    return taken


async def _weed_one(
    letters: DeadLetters, letter: DeadLetter, doomed: Callable[[Delivery], bool]
) -> int:
    try:
        deliveries = unpack(letter.message.body)
    except Rejected:
        # Nobody can read it, we neither; it expires.
        return 0
    kept = [one for one in deliveries if not doomed(one)]
    if len(kept) == len(deliveries):
        return 0
    if kept:
        await letters.replace(letter, pack(kept))
    else:
        await letters.drop(letter)
    return len(deliveries) - len(kept)
