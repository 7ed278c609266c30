"""What the demo tells at its end: numbers, checks, and how to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.checks import Check, Sides
from services.journey import PREFIX, Store
from services.screen import Screen


@dataclass(frozen=True, slots=True)
class Backfill:
    """The full syncs as the API tells of them."""

    jobs: Sequence[Mapping[str, Any]]

    @property
    def seconds(self) -> float:
        """From the first one's start to the last one's end."""
        started = min(datetime.fromisoformat(job["started_at"]) for job in self.jobs)
        finished = max(datetime.fromisoformat(job["finished_at"]) for job in self.jobs)
        return (finished - started).total_seconds()

    @property
    def orders(self) -> int:
        """How many orders they brought."""
        return sum(int(job["rows_done"]) for job in self.jobs if job["kind"] == "orders")

    @property
    def orders_per_second(self) -> float:
        """Orders by the seconds of all kinds together."""
        return self.orders / self.seconds if self.seconds else 0.0


async def invite(store: Store, screen: Screen, api_key: str, *, live: bool) -> None:
    """Print the API's address, the key, and three requests to try."""
    base = f"{store.api.base}{PREFIX}"
    shop = f"{base}/stores/{store.shop_id}"
    screen.say("")
    screen.say(f"API      {base}")
    screen.say(f"API key  {api_key}")
    screen.say("")
    for url in (
        f"{shop}/orders?limit=3",
        f"{base}/analytics/sales?shop_id={store.shop_id}&interval=month",
        f"{shop}/sync/jobs",
    ):
        screen.say(f'curl -s -H "X-API-Key: {api_key}" "{url}"')
    screen.say("")
    going_on = "live changes are coming in" if live else "the store rests"
    screen.say(f"{going_on}; Ctrl-C stops everything, the data stays")


def summarise(
    screen: Screen,
    backfill: Backfill,
    found: Sides,
    sales: Mapping[str, Any],
    judged: Sequence[Check],
) -> None:
    """Print rows per kind, speed, net sales by month and every check."""
    screen.table(
        "Rows",
        ("kind", "here", "in the store"),
        ((kind, ours, found.theirs.get(kind, "-")) for kind, ours in found.ours.items()),
    )
    screen.say(
        f"backfill: {backfill.orders} orders and everything else in {backfill.seconds:.1f} s, "
        f"{backfill.orders_per_second:.0f} orders/s"
    )
    screen.table(
        "Net sales by month",
        ("month", "currency", "orders", "net sales", "total sales"),
        (
            (
                bucket["period"][:7],
                bucket["currency"],
                bucket["orders"],
                _two_places(bucket["exact"]["net_sales"]),
                _two_places(bucket["exact"]["total_sales"]),
            )
            for bucket in sales["buckets"]
        ),
    )
    for check in judged:
        screen.say(f"{'passed' if check.passed else 'FAILED'}  {check.sentence} ({check.found})")


def _two_places(amount: str) -> str:
    return f"{Decimal(amount):.2f}"
