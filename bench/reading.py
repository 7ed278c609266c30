"""What it takes to read one order delivery, from its bytes to the text of its rows, and its parts.

``python -m bench.reading`` reads distinct orders of 10 KB again and again, on one core, without
any I/O. Each step is timed alone, and the whole as the syncer does it.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import time
from collections.abc import Callable, Sequence

from bench.ingesting.measured import machine
from bench.ingesting.orders import bodies
from bench.ingesting.world import SHOP
from services.syncer.applying import read
from services.syncer.domain.arrivals import Way
from shared.deliveries import Delivery
from shared.shopify import copytext
from shared.shopify.payloads.line_rows import line_rows
from shared.shopify.payloads.orders import OrderPayload
from shared.shopify.payloads.parts import decoder

_KEY = "00000000-0000-0000-0000-000000000001\t1\t5000000000"


def _delivery(number: int, body: bytes) -> Delivery:
    return Delivery(
        tenant_id="00000000-0000-0000-0000-000000000001",
        shop_id=1,
        shop_domain=SHOP,
        topic="orders/updated",
        webhook_id=f"w{number}",
        event_id=f"e{number}",
        triggered_at="2026-11-21T10:00:00Z",
        received_at="2026-11-21T10:00:00+00:00",
        api_version="2026-10",
        body=body,
    )


def _timed(work: Callable[[int], object], count: int, rounds: int) -> float:
    """Return the median over *rounds* of the microseconds that each of *count* takes."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        for number in range(count):
            work(number)
        taken.append((time.perf_counter() - started) / count * 1e6)
    return statistics.median(taken)


def measure(*, count: int = 2000, rounds: int = 7) -> dict[str, float]:
    """Return microseconds an order by step; prints them."""
    sent = list(bodies(count))
    deliveries = [_delivery(number, body) for number, body in enumerate(sent)]
    decode = decoder(OrderPayload).decode
    decoded: Sequence[OrderPayload] = [decode(body) for body in sent]
    way = Way()
    steps: dict[str, Callable[[int], object]] = {
        "the whole": lambda number: read(deliveries[number], way),
        "decode": lambda number: decode(sent[number]),
        "lines": lambda number: line_rows(decoded[number], _KEY),
        "compress": lambda number: copytext.frame(sent[number]),
        "SHA-256": lambda number: hashlib.sha256(sent[number]).digest(),
    }
    found = {name: _timed(work, count, rounds) for name, work in steps.items()}
    size = sum(map(len, sent)) / count
    print(f"\nus to read an order of {size / 1000:.1f} KB, {machine()}")
    for name, each in found.items():
        print(f"{name:12}{each:8.1f}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=2000, help="distinct ones")
    parser.add_argument("--rounds", type=int, default=7, help="the median counts")
    args = parser.parse_args()
    measure(count=args.orders, rounds=args.rounds)


if __name__ == "__main__":
    main()
