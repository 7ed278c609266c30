"""One case of the matrix: load, fault, healing, quiet, and the invariants."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults import checker, found, ledger
from tests.faults.catalogue import FAKETIME, Fault
from tests.faults.checker import Violation
from tests.faults.rig import BusName, Rig, rigged
from tests.faults.servers import Servers, serving
from tests.private_rabbitmq import PrivateRabbitMQ

_BEFORE = 40
_AFTER = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One row of the table."""

    fault: str
    bus: BusName
    seed: int
    rounds: int
    sent: int
    accepted: int
    lost: int
    doubled: int
    recovery: float
    failures: int
    p99: float
    violations: Sequence[Violation]

    @property
    def failed(self) -> bool:
        return bool(self.violations)


async def run_case(
    fault: Fault,
    bus: BusName,
    servers: Servers,
    *,
    seed: int,
    rounds: int,
    folder: Path | None = None,
) -> Result:
    """Run *fault* on *bus*; the ledger and the services' log stay in *folder* if it is given."""
    if fault.small_disk:
        async with serving(servers.rabbitmq, small_disk=True) as small:
            return await _kept(fault, bus, small, seed=seed, rounds=rounds, folder=folder)
    return await _kept(fault, bus, servers, seed=seed, rounds=rounds, folder=folder)


async def _kept(
    fault: Fault, bus: BusName, servers: Servers, *, seed: int, rounds: int, folder: Path | None
) -> Result:
    with tempfile.TemporaryDirectory(prefix="till-") as made:
        place = folder or Path(made)
        place.mkdir(parents=True, exist_ok=True)
        clock = place / "clock"
        clock.write_text("+0")
        async with rigged(
            servers,
            bus,
            place,
            seed=seed,
            rate=fault.rate,
            syncers=fault.syncers,
            environment=_clock(clock) if fault.clock else None,
        ) as rig:
            return await _case(fault, rig, rounds, seed)


async def _case(fault: Fault, rig: Rig, rounds: int, seed: int) -> Result:
    chance = random.Random(f"{seed} {fault.name} {rig.bus}")
    load = asyncio.create_task(rig.driver.run())
    try:
        await rig.driver.more(_BEFORE)
        for _ in range(rounds):
            await _round(fault, rig, chance)
        await rig.driver.finish()
    finally:
        load.cancel()
    recoveries = await asyncio.gather(*rig.recoveries)
    found_wrong = await _sent_again(rig)
    await rig.stop()
    record = ledger.read(rig.path)
    seen = await found.look(rig.dsn, await rig.on_broker())
    undisturbed = record.undisturbed()
    return Result(
        fault=fault.name,
        bus=rig.bus,
        seed=seed,
        rounds=rounds,
        sent=len(record.sent),
        accepted=len(record.accepted),
        lost=checker.lost(record, seen),
        doubled=checker.doubled(record, seen),
        recovery=max(recoveries),
        failures=sum(1 for _, status, _ in undisturbed if status == 0 or status >= 500),
        p99=ledger.percentile([seconds for _, _, seconds in undisturbed], 0.99),
        violations=[
            *(Violation("I7", one) for one in rig.died),
            *checker.recovery_violations(recoveries),
            *found_wrong,
            *checker.violations(record, seen),
        ],
    )


async def _round(fault: Fault, rig: Rig, chance: random.Random) -> None:
    recovering = len(rig.recoveries)
    await rig.ledger.fault("begins")
    await fault.strike(rig, chance)
    await rig.ledger.fault("ends")
    if len(rig.recoveries) == recovering:
        rig.begin_recovery()
    await rig.driver.more(_AFTER)
    # The next fault finds everything well, or the seconds would not be this one's.
    rig.driver.hold()
    await asyncio.wait(rig.recoveries)
    rig.driver.go_on()


async def _sent_again(rig: Rig) -> list[Violation]:
    """Wait for quiet, send everything that was accepted again, and compare all rows."""
    if not await rig.quiesce():
        return [Violation("I4", "not quiet after 90 s")]
    before = await found.fingerprints(rig.db)
    await rig.driver.replay()
    await rig.quiesce()
    return checker.replay_violations(before, await found.fingerprints(rig.db))


def _clock(file: Path) -> dict[str, str]:
    return {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def skipped(fault: Fault, bus: BusName, broker: PrivateRabbitMQ | None, amqp_url: str) -> str:
    """Say why *fault* cannot be done here; empty when it can."""
    if bus == "rabbitmq" and not amqp_url:
        return "no RabbitMQ"
    if fault.own_broker and broker is None:
        return "no rabbitmq-server to start and kill"
    return fault.needs()
