"""Orders turned into rows of the ledger; one that cannot be is left out alone, with the reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from zoneinfo import ZoneInfo

from services.analytics.domain.contributions import Contribution
from services.analytics.domain.ledger import contributions
from services.analytics.domain.orders import OrderSnapshot
from services.analytics.snapshots import Gathered
from shared.postgres import REFUSED, Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one order contributes; nothing when it is gone."""

    order_id: int
    rows: Sequence[Contribution] = ()


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
    return Share(order_id=order.order_id, rows=contributions(order, timezone))


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
