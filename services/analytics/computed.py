"""Orders turned into rows of the ledger; one that cannot be is left out alone, with the reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from zoneinfo import ZoneInfo

from services.analytics.domain.contributions import Contribution
from services.analytics.domain.customers import CustomerOrder, customer_order
from services.analytics.domain.ledger import contributions
from services.analytics.domain.orders import OrderSnapshot
from services.analytics.snapshots import Gathered
from shared.postgres import REFUSED, Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one order contributes; nothing when it is gone.

    *gap* is why Shopify's ledger of it was not followed.
    """

    order_id: int
    rows: Sequence[Contribution] = ()
    customer: CustomerOrder | None = None
    gap: str | None = None


Refused: TypeAlias = dict[int, str]


def shares(gathered: Gathered, timezone: ZoneInfo) -> tuple[list[Share], Refused]:
    """Compute every order of *gathered*; amounts or days beyond all bounds refuse theirs."""
    found: list[Share] = []
    refused = dict(gathered.refused)
    for order in gathered.orders:
        try:
            found.append(_share(order, timezone))
        except ArithmeticError as exc:
            refused[order.order_id] = f"cannot be computed: {exc!r}"
    return found, refused


def _share(order: OrderSnapshot, timezone: ZoneInfo) -> Share:
    rows, gap = contributions(order, timezone)
    customer = customer_order(order, rows)
    return Share(order_id=order.order_id, rows=rows, customer=customer, gap=gap)


def gaps(parts: Sequence[Share]) -> dict[int, str]:
    """Return the orders of *parts* whose ledgers were not followed, with the reasons."""
    return {part.order_id: part.gap for part in parts if part.gap is not None}


async def written(
    conn: Connection,
    parts: Sequence[Share],
    write: Callable[[Sequence[Share]], Awaitable[None]],
) -> Refused:
    """Write *parts* at once; when Postgres refuses them, halve until each bad order stands alone.

    Runs inside the caller's transaction, which goes on whatever is refused.
    """
    try:
        async with conn.transaction():
            await write(parts)
    except REFUSED as exc:
        if len(parts) == 1:
            return {parts[0].order_id: f"refused by the database: {exc}"}
    else:
        return {}
    middle = len(parts) // 2
    first = await written(conn, parts[:middle], write)
    return first | await written(conn, parts[middle:], write)
