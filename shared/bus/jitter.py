"""How long each retry waits, so that what failed together does not come back together."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

# A rung of 5 s holds a message for 3.75 s to 5 s.
WINDOW: Final = 0.25
_FIRST: Final = 0.2
_BURST: Final = 1000


class Spread:
    """Draws the wait of each retry between three quarters of its rung's delay and all of it.

    RabbitMQ lets a message expire only at the head of its queue, so a wait that is shorter than
    the one drawn before it has no effect: independent draws would all end with the longest. Waits
    are therefore handed out in rising order. The first of a burst is drawn at random from the
    first fifth of the window, each further one follows a thousandth of the window behind. What
    another process put into the same queue can hold a message up, but never beyond the full delay.
    """

    def __init__(
        self, delays: Sequence[float], *, draw: Callable[[], float] = random.random
    ) -> None:
        self._delays = delays
        self._draw = draw
        self._last = [0.0] * len(delays)

    @property
    def rungs(self) -> int:
        """How many retries there are."""
        return len(self._delays)

    def wait(self, rung: int, *, now: float) -> float:
        """Return how many seconds from *now*, on any steady clock, a message waits on *rung*."""
        delay = self._delays[rung]
        window = delay * WINDOW
        earliest = now + delay - window + window * _FIRST * self._draw()
        behind = self._last[rung] + window / _BURST
        self._last[rung] = min(max(earliest, behind), now + delay)
        return self._last[rung] - now
