"""The benchmarks run, and count what they say that they count."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import asyncpg

from bench import reading
from bench.ingesting.counting import counting

ROOT = Path(__file__).parents[2]


async def test_every_statement_is_counted_once(dsn: str) -> None:
    async with counting(dsn) as (relayed, counter):
        conn = await asyncpg.connect(relayed)
        begun = counter.statements

        await conn.execute("CREATE TEMPORARY TABLE counted (number integer)")
        await conn.fetch("SELECT $1::text", "x" * 1_000_000)
        await conn.copy_records_to_table("counted", records=[(n,) for n in range(50_000)])
        async with conn.transaction():
            await conn.executemany("INSERT INTO counted VALUES ($1)", [(1,), (2,), (3,)])

        found = counter.statements - begun
        await conn.close()

    # The table, the text, COPY, BEGIN, three rows, COMMIT.
    assert found == 8


def test_ingest_compares_servers_and_removes_what_it_made(
    dsn: str, amqp_url: str, tmp_path: Path
) -> None:
    written = tmp_path / "found.json"
    asked = "--rounds 1 --seconds 0.2 --warm-up 0.1 --distinct 20 --connections 8"

    subprocess.run(
        [sys.executable, "-m", "bench.ingest", *asked.split(), "--json", str(written)],
        env={**os.environ, "DATABASE_URL": dsn, "AMQP_URL": amqp_url},
        cwd=ROOT,
        check=True,
        timeout=120,
    )

    found = json.loads(written.read_text())["8 connections"]
    for name in ("bare", "webhooks"):
        (measured,) = found["rounds"][name]
        assert measured["per_second"] > 0
        assert measured["failures"] == 0
    assert found["ratios"]["webhooks / bare, req/s"] > 0


def test_each_step_of_reading_an_order_is_measured() -> None:
    found = reading.measure(count=10, rounds=1)

    assert list(found) == ["the whole", "decode", "lines", "compress", "SHA-256"]
    assert all(found.values())
