"""Tasks beside an app, and how they end."""

from __future__ import annotations

import asyncio
import contextlib

from shared import background


async def test_a_task_that_swallows_a_cancellation_ends_with_the_next(monkeypatch):
    """As aiormq does when it is cancelled while a channel closes."""
    monkeypatch.setattr(background, "_AGAIN_SECONDS", 0.01)

    async def stubborn() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)

    await asyncio.wait_for(background.ended(task), 5)

    assert task.cancelled()


async def test_what_has_ended_already_is_left_as_it_is():
    task = asyncio.create_task(asyncio.sleep(0, "done"))
    await task

    await background.ended(task)

    assert task.result() == "done"
