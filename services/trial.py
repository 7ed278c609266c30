"""``--once``: live traffic, then every check, then a verdict."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from services import checks, report, store
from services.checks import Check
from services.journey import SHOP, Store
from services.machine import Machine
from services.screen import Screen
from services.tenancy import finished
from shared.bus.connect import open_bus
from shared.postgres import close_pool, open_pool

LIVE_WEBHOOKS = 200
_LIVE_RATE = 20.0
_LIVE_SECONDS = 120


async def judge(machine: Machine, shown: Store, screen: Screen, backfill: report.Backfill) -> int:
    """Print the summary and return the exit status: 0 when all checks passed."""
    async with _bench(machine, shown) as bench:
        applied = await _live(bench, shown, screen)
        screen.say("waiting until nothing is left to read again or to apply")
        found = await checks.settled(bench)
        judged = [
            applied,
            checks.check_of_sides(found),
            await checks.none_dead(bench),
            await _rollup_is_right(machine, shown),
        ]
    report.summarise(screen, backfill, found, await shown.sales("month"), judged)
    failed = [check.sentence for check in judged if not check.passed]
    screen.say(f"{len(judged) - len(failed)} of {len(judged)} checks passed")
    if failed:
        screen.say(f"FAILED: {'; '.join(failed)}")
    return 1 if failed else 0


@contextlib.asynccontextmanager
async def _bench(machine: Machine, shown: Store) -> AsyncIterator[checks.Bench]:
    pool = await open_pool(machine.database_url, role="tillstream_syncer", max_size=3)
    bus = await open_bus(machine.settings.amqp_url, pool)
    try:
        yield checks.Bench(
            pool=pool, bus=bus, simulator=shown.simulator, shop=SHOP, shop_id=shown.shop_id
        )
    finally:
        await bus.close()
        await close_pool(pool)


async def _live(bench: checks.Bench, shown: Store, screen: Screen) -> Check:
    """Let live changes happen until enough of their webhooks are applied."""
    before = await _applied(bench)
    screen.say(f"waiting for {LIVE_WEBHOOKS} live webhooks")
    await shown.live(rate=_LIVE_RATE)

    async def enough() -> bool:
        return await _applied(bench) - before >= LIVE_WEBHOOKS

    await checks.until(enough, seconds=_LIVE_SECONDS, what=f"{LIVE_WEBHOOKS} live webhooks")
    await shown.stop_live()
    count = await _applied(bench) - before
    return Check(
        sentence=f"at least {LIVE_WEBHOOKS} live webhooks were applied",
        passed=count >= LIVE_WEBHOOKS,
        found=str(count),
    )


async def _applied(bench: checks.Bench) -> int:
    async with bench.pool.acquire() as conn:
        return dict(await store.deliveries_per_state(conn, bench.shop_id)).get("applied", 0)


async def _rollup_is_right(machine: Machine, shown: Store) -> Check:
    """Let analytics recompute everything from the orders and compare to the cent."""

    async def drained() -> bool:
        return not (await shown.sales("month"))["pending_orders"]

    await checks.until(drained, seconds=60, what="the rollup's catching up")
    status, said = await finished("services.analytics", "verify", environment=machine.environment)
    return Check(
        sentence="the sales rollup equals a full recompute",
        passed=status == 0,
        found=said.rpartition("\n")[2][:300],
    )
