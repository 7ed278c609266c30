"""A bounded stream of random actions, as a shop's day would bring them."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Any

from tests.simulator import actions, moments
from tests.simulator.store import Store

_MIX = (
    (0.42, "create_order"),
    (0.56, "fulfill_order"),
    (0.64, "update_order"),
    (0.70, "refund_order"),
    (0.73, "cancel_order"),
    (0.78, "edit_order"),
    (0.82, "pay_order"),
    (0.89, "set_inventory"),
    (0.93, "update_product"),
    (0.97, "update_customer"),
    (0.98, "create_customer"),
    (0.99, "create_product"),
    (1.01, "connect_inventory"),
)


@dataclass(slots=True)
class Stream:
    """``count`` 0 goes on until it is stopped."""

    rate: float
    count: int
    seed: int
    done: int = 0
    skipped: int = 0
    started: float = 0.0
    task: asyncio.Task[None] | None = None

    def progress(self) -> dict[str, Any]:
        return {
            "running": self.task is not None and not self.task.done(),
            "rate_per_second": self.rate,
            "count": self.count,
            "done": self.done,
            "skipped": self.skipped,
            "seconds": round(time.monotonic() - self.started, 3),
        }


async def stream(platform: Any, store: Store, progress: Stream) -> None:
    """Act at the wanted rate; catches up when it falls behind."""
    rng = random.Random(progress.seed)
    began = time.monotonic()
    while progress.count == 0 or progress.done < progress.count:
        due = int((time.monotonic() - began) * progress.rate) + 1
        while progress.done < due and (progress.count == 0 or progress.done < progress.count):
            draw = rng.random()
            name = next(name for limit, name in _MIX if draw < limit)
            seed = rng.getrandbits(48)
            try:
                actions.perform(store, platform, name, {}, seed=seed, at=moments.now())
            except actions.Impossible:
                progress.skipped += 1
            progress.done += 1
            if progress.done % 20 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(min(1.0 / progress.rate, 0.05))
