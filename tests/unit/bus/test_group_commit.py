"""The group committer, against a commit that is slow and fails as told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bus.group_commit import GroupCommit, Limits
from shared.errors import Unavailable

Item = tuple[int, int]
LIMITS = Limits(items=4, size=100, in_flight=2, waiting=1000, waiting_size=100_000)


class Ledger:
    """A commit that keeps its batches, yields *turns* times and fails batches that hold *bad*."""

    def __init__(self, *, turns: int = 1, bad: frozenset[int] = frozenset()) -> None:
        self.batches: list[list[Item]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._turns = turns
        self._bad = bad

    async def __call__(self, items: Sequence[Item]) -> None:
        self.batches.append(list(items))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        for _ in range(self._turns):
            await asyncio.sleep(0)
        self.in_flight -= 1
        if any(number in self._bad for number, _ in items):
            raise Unavailable("told to fail")


async def add(group: GroupCommit[Item], item: Item) -> bool:
    try:
        await group.add(item, item[1])
    except Unavailable:
        return False
    return True


async def all_added(ledger: Ledger, bursts: Sequence[Sequence[int]]) -> list[bool]:
    group: GroupCommit[Item] = GroupCommit(ledger, limits=LIMITS)
    number = 0
    tasks = []
    for burst in bursts:
        for size in burst:
            tasks.append(asyncio.create_task(add(group, (number, size))))
            number += 1
        await asyncio.sleep(0)
    answers = await asyncio.gather(*tasks)
    await group.close()
    return answers


@settings(max_examples=60, deadline=None)
@given(
    bursts=st.lists(st.lists(st.integers(1, 150), max_size=12), max_size=6),
    turns=st.integers(0, 4),
    bad=st.frozensets(st.integers(0, 40), max_size=4),
)
def test_everything_added_is_committed_once_in_order_and_within_bounds(
    bursts: list[list[int]], turns: int, bad: frozenset[int]
):
    ledger = Ledger(turns=turns, bad=bad)

    answers = asyncio.run(all_added(ledger, bursts))

    committed = [item for batch in ledger.batches for item in batch]
    sizes = [size for burst in bursts for size in burst]
    assert committed == list(enumerate(sizes))
    assert ledger.most_in_flight <= LIMITS.in_flight
    for batch in ledger.batches:
        assert len(batch) <= LIMITS.items
        assert len(batch) == 1 or sum(size for _, size in batch) <= LIMITS.size
    failed = {n for batch in ledger.batches if {n for n, _ in batch} & bad for n, _ in batch}
    assert answers == [number not in failed for number in range(len(sizes))]


async def test_a_lone_item_leaves_without_waiting_for_company():
    ledger = Ledger(turns=0)
    group: GroupCommit[Item] = GroupCommit(ledger, limits=LIMITS)

    async with asyncio.timeout(0.5):
        await group.add((1, 10), 10)

    assert ledger.batches == [[(1, 10)]]


async def test_what_arrives_during_a_commit_leaves_together():
    gate = asyncio.Event()
    batches: list[int] = []

    async def commit(items: Sequence[int]) -> None:
        batches.append(len(items))
        await gate.wait()

    group: GroupCommit[int] = GroupCommit(commit, limits=Limits(in_flight=1))
    futures = [group.add(0, 1)]
    await asyncio.sleep(0.01)
    futures += [group.add(n, 1) for n in range(30)]
    gate.set()
    await asyncio.gather(*futures)

    assert batches == [1, 30]


async def test_too_much_waiting_is_refused_and_room_comes_back():
    gate = asyncio.Event()

    async def commit(_: Sequence[int]) -> None:
        await gate.wait()

    group: GroupCommit[int] = GroupCommit(commit, limits=Limits(items=1, in_flight=1, waiting=3))
    first = group.add(0, 1)
    await asyncio.sleep(0.01)
    waiting = [group.add(n, 1) for n in range(3)]

    with pytest.raises(Unavailable) as refused:
        group.add(9, 1)
    gate.set()
    await asyncio.gather(first, *waiting)
    await group.add(9, 1)

    assert refused.value.code == "overloaded"
    assert refused.value.retry_after == 1


async def test_the_waiting_bytes_are_bounded_too():
    gate = asyncio.Event()

    async def commit(_: Sequence[int]) -> None:
        await gate.wait()

    limits = Limits(items=1, in_flight=1, waiting_size=100)
    group: GroupCommit[int] = GroupCommit(commit, limits=limits)
    first = group.add(0, 90)
    await asyncio.sleep(0.01)
    second = group.add(1, 90)

    with pytest.raises(Unavailable):
        group.add(2, 20)
    gate.set()
    await asyncio.gather(first, second)


async def test_a_caller_that_gives_up_does_not_take_its_batch_along():
    ledger = Ledger(turns=5)
    group: GroupCommit[Item] = GroupCommit(ledger, limits=LIMITS)
    impatient = asyncio.create_task(add(group, (1, 10)))
    patient = asyncio.create_task(add(group, (2, 10)))
    await asyncio.sleep(0)
    impatient.cancel()

    assert await patient is True
    assert ledger.batches == [[(1, 10), (2, 10)]]


async def test_closing_waits_for_what_was_added():
    ledger = Ledger(turns=10)
    group: GroupCommit[Item] = GroupCommit(ledger, limits=LIMITS)
    futures = [group.add((n, 1), 1) for n in range(20)]

    await group.close()

    assert all(future.done() for future in futures)
    assert sum(len(batch) for batch in ledger.batches) == 20


async def test_half_of_the_slots_are_for_full_batches():
    ledger = Ledger(turns=20)
    group: GroupCommit[Item] = GroupCommit(ledger, limits=LIMITS)

    first = [asyncio.ensure_future(group.add((number, 1), 1)) for number in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    more = [asyncio.ensure_future(group.add((number, 1), 1)) for number in range(2, 5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    before = list(ledger.batches)
    more.append(asyncio.ensure_future(group.add((5, 1), 1)))
    await asyncio.gather(*first, *more)

    assert [len(batch) for batch in before] == [2]
    assert [len(batch) for batch in ledger.batches] == [2, 4]
    assert ledger.most_in_flight == 2
