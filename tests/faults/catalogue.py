"""Every fault by name: what it does, on which bus, what it needs."""

from __future__ import annotations

import os
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults import network, processes, senders, stores
from tests.faults.rig import BusName, Rig
from tests.faults.servers import can_mount

Strike = Callable[[Rig, random.Random], Awaitable[None]]

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
BOTH: tuple[BusName, ...] = ("rabbitmq", "postgres")
BROKER: tuple[BusName, ...] = ("rabbitmq",)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A way to be hurt. *rounds* are those of the long run; *needs* says why it cannot be done."""

    name: str
    strike: Strike
    told: str
    buses: tuple[BusName, ...] = BOTH
    rounds: int = 1
    smoke: tuple[BusName, ...] = ()
    rate: float = 60
    syncers: int = 1
    small_disk: bool = False
    own_broker: bool = False
    clock: bool = False
    needs: Callable[[], str] = str


def _needs_mount() -> str:
    return "" if os.geteuid() == 0 and can_mount() else "mounting a small disk needs root"


def _needs_faketime() -> str:
    return "" if FAKETIME.exists() else "libfaketime is not installed"


FAULTS = (
    Fault(
        name="receiver killed",
        strike=processes.receiver_killed,
        told="kill -9 of webhooks while it receives",
        rounds=25,
        smoke=BOTH,
    ),
    Fault(
        name="syncer killed",
        strike=processes.syncer_killed,
        told="kill -9 of the syncer while it writes",
        rounds=25,
        smoke=BROKER,
    ),
    Fault(
        name="syncer stopped",
        strike=processes.syncer_stopped,
        told="SIGTERM of the syncer while it writes, started again",
        rounds=25,
    ),
    Fault(
        name="stopped in trouble",
        strike=processes.syncer_stopped_in_trouble,
        told="SIGTERM of the syncer while PostgreSQL is locked or away for 8 s, or just back",
        rounds=10,
    ),
    Fault(
        name="analytics killed",
        strike=processes.analytics_killed,
        told="kill -9 of analytics while it drains marks",
        rounds=25,
    ),
    Fault(
        name="drainer killed",
        strike=processes.drainer_killed,
        told="kill -9 of webhooks while it publishes its spool",
        buses=BROKER,
        rounds=25,
    ),
    Fault(
        name="syncer frozen",
        strike=processes.syncer_frozen,
        told="SIGSTOP of one of two syncers for 40 s, longer than its lease; then it goes on",
        rate=40,
        syncers=2,
    ),
    Fault(
        name="broker killed",
        strike=network.broker_killed,
        told="kill -9 of RabbitMQ, started again 2 s later",
        buses=BROKER,
        own_broker=True,
    ),
    Fault(
        name="broker alarmed",
        strike=network.broker_alarmed,
        told="memory alarm: RabbitMQ takes no publishes for 6 s",
        buses=BROKER,
        own_broker=True,
    ),
    Fault(
        name="broker refused",
        strike=network.broker_refused,
        told="nobody listens at the broker's address for 5 s",
        buses=BROKER,
        smoke=BROKER,
    ),
    Fault(
        name="broker stalled",
        strike=network.broker_stalled,
        told="no byte passes to or from the broker for 6 s, then all of them",
        buses=BROKER,
    ),
    Fault(
        name="broker half-open",
        strike=network.broker_half_open,
        told="open connections to the broker carry nothing any more and are not closed",
        buses=BROKER,
    ),
    Fault(
        name="broker mute",
        strike=network.broker_mute,
        told="publishes arrive and are confirmed, every answer is lost, for 4 s",
        buses=BROKER,
    ),
    Fault(
        name="broker slow",
        strike=network.broker_slow,
        told="0.1 s more per piece in both directions for 6 s",
        buses=BROKER,
    ),
    Fault(
        name="queue deleted",
        strike=network.queue_deleted,
        told="the deliveries queue is deleted while it is empty",
        buses=BROKER,
    ),
    Fault(
        name="connections closed",
        strike=network.connections_closed,
        told="RabbitMQ closes every connection, three times",
        buses=BROKER,
        own_broker=True,
    ),
    Fault(
        name="postgres killed",
        strike=stores.postgres_killed,
        told="immediate stop, started again 2 s later",
    ),
    Fault(
        name="postgres terminated",
        strike=stores.postgres_terminated,
        told="pg_terminate_backend of every session, eight times in 3 s",
    ),
    Fault(
        name="postgres locked",
        strike=stores.postgres_locked,
        told="another session holds the tables of orders, inbox and bus for 8 s",
    ),
    Fault(
        name="postgres full",
        strike=stores.postgres_full,
        told="no space left on its disk for 6 s",
        small_disk=True,
        needs=_needs_mount,
    ),
    Fault(
        name="postgres slow",
        strike=stores.postgres_slow,
        told="30 ms more per piece in both directions for 6 s",
    ),
    Fault(
        name="postgres mute",
        strike=stores.postgres_mute,
        told="statements arrive and commit, every answer is lost, for 4 s",
    ),
    Fault(
        name="duplicates",
        strike=senders.duplicates,
        told="300 deliveries three times each, every third once more under another id",
        rounds=10,
    ),
    Fault(
        name="shuffled",
        strike=senders.shuffled,
        told="300 deliveries in random order",
        rounds=10,
        smoke=("postgres",),
    ),
    Fault(
        name="a day late",
        strike=senders.a_day_late,
        told="every third of 300 deliveries held back until the others were applied",
        rounds=10,
    ),
    Fault(
        name="oversized",
        strike=senders.oversized,
        told="bodies of 1.5 and 4 MiB, which are taken, and of 17 MiB, which are refused",
    ),
    Fault(
        name="malformed",
        strike=senders.malformed,
        told="signed bodies that are no orders, missing and contradicting headers",
    ),
    Fault(
        name="wrong secret",
        strike=senders.wrong_secret,
        told="200 deliveries signed with another secret",
    ),
    Fault(
        name="forged shop",
        strike=senders.forged_shop,
        told="shop headers of nobody's shop, and of another shop under a shop's own secret",
    ),
    Fault(
        name="clock jumps",
        strike=stores.clock_jumps,
        told="the services' clock goes an hour ahead, two hours back, and home",
        clock=True,
        needs=_needs_faketime,
    ),
)
