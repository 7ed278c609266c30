"""Shopify's own ledgers of orders: read from commerce, and what is wrong with them kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.analytics.domain.orders import Agreement, Sale
from services.analytics.shop import ShopKey
from shared.postgres import Connection, Record, load_queries

SQL = load_queries("services.analytics", "agreements.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What Shopify's ledger says of one order; nothing where it is not synced."""

    agreements: tuple[Agreement, ...] = ()
    fees: Decimal | None = None


async def agreements_of(
    conn: Connection, shop: ShopKey, order_ids: Sequence[int]
) -> dict[int, Told]:
    """Read the ledgers of those of *order_ids* that have one."""
    key = (shop.tenant_id, shop.shop_id)
    rows = await conn.fetch(SQL["agreements"], *key, order_ids)
    if not rows:
        return {}
    of_order: dict[int, list[Record]] = defaultdict(list)
    for row in rows:
        of_order[row["order_id"]].append(row)
    sales: dict[tuple[int, int], list[Sale]] = defaultdict(list)
    for row in await conn.fetch(SQL["sales"], *key, list(of_order)):
        sales[row["order_id"], row["agreement_id"]].append(_sale(row))
    return {
        order_id: Told(
            agreements=tuple(
                _agreement(one, sales.get((order_id, one["agreement_id"]), ())) for one in found
            ),
            fees=found[0]["fees"],
        )
        for order_id, found in of_order.items()
    }


def _agreement(row: Record, sales: Sequence[Sale]) -> Agreement:
    return Agreement(
        agreement_id=row["agreement_id"],
        happened_at=row["happened_at"],
        reason=row["reason"],
        sales=tuple(sales),
    )


def _sale(row: Record) -> Sale:
    return Sale(
        sale_id=row["sale_id"],
        action=row["action_type"],
        line_type=row["line_type"],
        line_id=row["line_id"],
        quantity=row["quantity"],
        total=row["total"],
        discount=row["discount"],
        tax=row["tax"],
    )


async def replace_gaps(
    conn: Connection, shop: ShopKey, order_ids: Sequence[int], gaps: Mapping[int, str]
) -> None:
    """Keep why the ledgers of some of *order_ids* were not followed, and forget the others."""
    key = (shop.tenant_id, shop.shop_id)
    await conn.execute(SQL["replace_gaps"], *key, order_ids, list(gaps), list(gaps.values()))


async def gaps_of(conn: Connection, shop: ShopKey) -> dict[int, str]:
    rows = await conn.fetch(SQL["gaps"], shop.tenant_id, shop.shop_id)
    return {row["order_id"]: row["reason"] for row in rows}


async def count_gaps(conn: Connection) -> int:
    count: int = await conn.fetchval(SQL["count_gaps"])
    return count
