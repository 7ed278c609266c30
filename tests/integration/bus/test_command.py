"""``python -m services bus`` as an operator types it, on both buses."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from shared.bus.connect import open_bus
from shared.bus.protocol import Bury, Bus
from shared.bus.topology import DELIVERIES, MARKS, QUEUES
from shared.deliveries import TOPIC, Delivery, pack
from shared.postgres import Pool
from shared.tracing import TRACEPARENT, new_trace
from tests.integration.bus.test_conformance import Recorder, until

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        return [line.split("\t") for line in self.out.splitlines()]

    @property
    def document(self) -> object:
        return json.loads(self.out)


Answer = Callable[[str], Awaitable[Said]]


class Operator:
    """Runs the command with the settings of one installation."""

    def __init__(self, **settings: str) -> None:
        self._settings = settings

    async def __call__(self, *arguments: str) -> Said:
        return await _said(await self._started(arguments, stdin=asyncio.subprocess.DEVNULL))

    @contextlib.asynccontextmanager
    async def asked(self, *arguments: str) -> AsyncIterator[tuple[bytes, Answer]]:
        """Give the question that the command asks at a terminal, and how to answer it."""
        ours, its = pty.openpty()
        process = await self._started(arguments, stdin=its)
        os.close(its)

        async def answer(words: str) -> Said:
            os.write(ours, words.encode())
            return await _said(process)

        assert process.stderr is not None
        try:
            yield await process.stderr.readuntil(b"[y/N] "), answer
        finally:
            os.close(ours)
            await process.wait()

    async def _started(self, arguments: Sequence[str], *, stdin: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services", "bus", *arguments),
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", **self._settings},
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )


async def _said(process: asyncio.subprocess.Process) -> Said:
    out, err = await process.communicate()
    return Said(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
def operator(dsn: str, db: asyncpg.Connection, bus_url: str) -> Operator:
    return Operator(DATABASE_URL=dsn, AMQP_URL=bus_url)


@pytest.fixture
async def bus(bus_url: str, pool: Pool) -> AsyncIterator[Bus]:
    bus = await open_bus(bus_url, pool)
    yield bus
    await bus.close()


async def buried(bus: Bus, *bodies: bytes, reason: str, trace: str = "") -> None:
    before = await bus.dead(MARKS)

    async def all_dead() -> bool:
        return await bus.dead(MARKS) == before + len(bodies)

    for body in bodies:
        await bus.publish("orders.changed", body, headers={TRACEPARENT: trace})
    handler = Recorder(lambda _: Bury(reason))
    async with bus.consuming(MARKS, handler, batch_max=1, prefetch=1):
        await until(all_dead)


async def test_the_dead_are_listed_shown_replayed_and_dropped(operator: Operator, bus: Bus):
    trace = new_trace()
    await buried(bus, b'{"shop_id": 7}', reason="ValueError: beetle", trace=trace)
    await buried(bus, b'{"shop_id": 8}', b'{"shop_id": 9}', reason="worm")

    listed = await operator("dead", "--json")
    first = listed.document[0]
    shown = await operator("show", MARKS, first["id"])
    raw = await operator("show", MARKS, first["id"], "--raw")
    replayed = await operator("replay", MARKS, "--of", "7", "--rate", "50")
    refused = await operator("drop", MARKS, "--reason", "worm")
    dropped = await operator("drop", MARKS, "--reason", "worm", "--yes")
    again = await operator("drop", MARKS, "--reason", "worm", "--yes")

    assert [one["reason"] for one in listed.document] == ["ValueError: beetle", "worm", "worm"]
    assert first["trace_id"] == trace.split("-")[1]
    assert (first["topic"], first["attempts"], first["bytes"]) == ("orders.changed", 1, 14)
    assert first["first_failed_at"] <= first["died_at"]
    assert "ValueError: beetle" in shown.out
    assert '"shop_id": 7' in shown.out
    assert raw.out == '{"shop_id": 7}'
    assert (replayed.code, replayed.out) == (0, f"replayed 1 message of {MARKS}\n")
    assert (refused.code, refused.out) == (2, "")
    assert "--yes" in refused.err
    assert (dropped.code, dropped.out) == (0, f"dropped 2 messages of {MARKS}\n")
    assert (again.code, again.out) == (1, "nothing was found\n")
    assert (await bus.depth(MARKS), await bus.dead(MARKS)) == (1, 0)


async def test_what_dies_while_the_question_is_open_is_not_dropped(operator: Operator, bus: Bus):
    await buried(bus, b"1", b"2", reason="worm")

    async with operator.asked("drop", MARKS, "--reason", "worm") as (question, answer):
        assert b"Drop 2 dead messages" in question
        await buried(bus, b"3", reason="worm")
        said = await answer("y\n")

    assert (said.code, said.out) == (0, f"dropped 2 messages of {MARKS}\n")
    async with bus.dead_letters(MARKS) as letters:
        assert [letter.message.body async for letter in letters] == [b"3"]


async def test_a_table_in_a_pipe_is_divided_by_tabs(operator: Operator, bus: Bus):
    assert (await operator("dead")).out == "nothing is dead\n"
    await buried(bus, b"{}", reason="worm\nin two lines")

    heads, row = (await operator("dead", MARKS)).rows

    assert heads[:4] == ["queue", "id", "topic", "attempts"]
    assert (row[0], row[2], row[3]) == (MARKS, "orders.changed", "1")
    assert row[-1] == "worm in two lines"


async def test_a_pause_is_seen_in_the_status_until_it_ends(operator: Operator, bus: Bus):
    await bus.publish("orders.changed", b"{}")

    first = await operator("pause", MARKS, "--reason", "deploying")
    second = await operator("pause", MARKS)
    status = await operator("status", "--json")
    table = await operator("status")
    resumed = await operator("resume", MARKS, "--json")

    assert first.out == f"{MARKS} is paused\n"
    assert second.out == f"{MARKS} is paused, as it was before\n"
    stands = {one["queue"]: one for one in status.document}
    assert sorted(stands) == sorted(QUEUES)
    assert stands[MARKS]["ready"] == 1
    assert stands[MARKS]["paused"]["reason"] == "deploying"
    assert stands[DELIVERIES]["paused"] is None
    assert "deploying" in table.out
    assert resumed.document == {"queue": MARKS, "paused": False, "changed": True}


async def test_a_batch_of_deliveries_is_shown_as_what_shopify_sent(operator: Operator, bus: Bus):
    parts = ("t-1", 1, "one.myshopify.com", "orders/create", "w-1", "", "", "", "2026-10")
    await bus.publish(TOPIC, pack([Delivery(*parts, b'{"id": 5}')]))

    async def dead() -> bool:
        return await bus.dead(DELIVERIES) == 1

    handler = Recorder(lambda _: Bury("worm"))
    async with bus.consuming(DELIVERIES, handler, batch_max=1, prefetch=1):
        await until(dead)
    [one] = (await operator("dead", DELIVERIES, "--of", "one.myshopify.com", "--json")).document
    shown = (await operator("show", DELIVERIES, one["id"], "--json")).document

    assert shown["body"][0]["webhook_id"] == "w-1"
    assert shown["body"][0]["body"] == {"id": 5}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["replay", MARKS], "say which"),
        (["replay", "no.such.queue"], "invalid choice"),
        (["replay", MARKS, "--all", "--rate", "0"], "no positive number"),
        (["dead", "--since", "yesterday"], "no moment"),
        (["show", MARKS, "12345"], "no dead message"),
        (["frobnicate"], "invalid choice"),
    ],
)
async def test_what_cannot_be_done_is_told_in_one_line(
    dsn: str, db: asyncpg.Connection, arguments: list[str], told: str
):
    said = await Operator(DATABASE_URL=dsn)(*arguments)

    assert said.code == 2
    assert told in said.err.splitlines()[-1]
    assert "Traceback" not in said.err


async def test_without_a_system_it_says_so(tmp_path: Path):
    said = await Operator(TILLSTREAM_HOME=str(tmp_path))("status")

    assert said.code == 2
    assert said.err == "tillstream: DATABASE_URL is not set, and nothing runs here; see `up`\n"


async def test_a_database_that_is_away_is_told(tmp_path: Path):
    said = await Operator(DATABASE_URL="postgresql://postgres@127.0.0.1:1/none")("status")

    assert said.code == 2
    assert said.err == "tillstream: PostgreSQL does not answer\n"
