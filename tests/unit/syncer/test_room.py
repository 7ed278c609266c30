"""Memory for bulk results is bounded however many jobs run."""

from __future__ import annotations

import asyncio

import pytest

from services.syncer.room import Room


class Watched:
    """Notes the most that was held at once."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.now: list[int] = []
        self.most_bytes = 0
        self.most_places = 0

    async def read(self, size: int) -> None:
        async with self.room.held(size):
            self.now.append(size)
            self.most_bytes = max(self.most_bytes, sum(self.now))
            self.most_places = max(self.most_places, len(self.now))
            await asyncio.sleep(0)
            self.now.remove(size)


@pytest.mark.parametrize(
    ("sizes", "most_bytes", "most_places"),
    [([10] * 9, 20, 2), ([60, 60, 60], 60, 1), ([10, 90, 10, 90], 100, 2)],
)
async def test_results_wait_until_there_is_room(
    sizes: list[int], most_bytes: int, most_places: int
) -> None:
    watched = Watched(Room(places=2, limit_bytes=100))

    await asyncio.gather(*(watched.read(size) for size in sizes))

    assert (watched.most_bytes, watched.most_places) == (most_bytes, most_places)


async def test_a_result_larger_than_the_room_is_read_alone() -> None:
    watched = Watched(Room(places=3, limit_bytes=100))

    await asyncio.gather(*(watched.read(size) for size in (30, 500, 30, 30)))

    assert watched.most_bytes == 500
    assert watched.now == []


async def test_room_is_given_back_when_reading_fails() -> None:
    room = Room(places=1)

    with pytest.raises(RuntimeError):
        async with room.held(1):
            raise RuntimeError

    async with asyncio.timeout(1), room.held(1):
        pass
