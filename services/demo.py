"""``python -m services demo``: a simulated store, connected, synced, kept live and checked."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from services import report, trial
from services.api import Api
from services.home import Home
from services.journey import SHOP, Store, connected, synced
from services.machine import Machine, running
from services.screen import Screen
from services.settings import MachineSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line asked for."""

    once: bool
    orders: int
    seed: int
    dataset: Path | None
    rate: float

    @property
    def world(self) -> tuple[str, ...]:
        """The simulator's arguments that decide which store it plays."""
        if self.dataset:
            return ("--dataset", str(self.dataset))
        return ("--orders", str(self.orders), "--seed", str(self.seed))


async def run(settings: MachineSettings, wanted: Wanted) -> int:
    """Show the system until cancelled, or once: then return whether all checks passed."""
    screen = Screen()

    def simulator(home: Home) -> Sequence[str]:
        # The store's subscriptions name the port that its deliveries go to.
        home.require_world(" ".join((*wanted.world, f"WEBHOOKS_PORT={settings.webhooks_port}")))
        return (
            *(sys.executable, "-m", "tests.simulator", "--host", "127.0.0.1", "--shop", SHOP),
            *("--port", str(settings.simulator_port), "--client-id", "demo-app"),
            *("--state", str(home.simulator_state.resolve())),
            *wanted.world,
        )

    async with (
        running(settings, simulator=simulator, say=screen.say) as machine,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session,
    ):
        return await machine.alongside(_show(machine, session, wanted, screen))


async def _show(
    machine: Machine, session: aiohttp.ClientSession, wanted: Wanted, screen: Screen
) -> int:
    access = await machine.access()
    api = Api(session, machine.settings.url_of("gateway"), headers={"X-API-Key": access.api_key})
    simulator = Api(session, machine.settings.url_of("simulator"))
    store = await connected(api, simulator, screen)
    jobs = await synced(store, screen)
    if wanted.once:
        return await trial.judge(machine, store, screen, report.Backfill(jobs))
    if wanted.rate:
        await store.live(rate=wanted.rate)
    await report.invite(store, screen, access.api_key, live=bool(wanted.rate))
    return await _stay(store)


async def _stay(store: Store) -> int:
    try:
        await asyncio.Event().wait()
    finally:
        await store.stop_live()
    return 0
