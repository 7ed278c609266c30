"""Objects that must be read again by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from shared.postgres import Connection, load_queries
from shared.shopify.resources import BY_KIND
from shared.shopify.snapshots import Kind, Owner

SQL = load_queries(__package__, "refetches.sql")

# Groups of one shop that a process reads at once: the last place is kept for live changes.
OF_A_SHOP = 4
_OF_LEFTOVERS = OF_A_SHOP - 1
_RESOURCES: Mapping[str, str] = MappingProxyType(
    {kind: one.name for kind, one in BY_KIND.items()} | {"location": "locations"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Claimed wishes of one shop and kind: *wishes* maps id to when it was asked for, *reasons*
    to why.
    """

    owner: Owner
    kind: Kind
    wishes: Mapping[int, datetime]
    reasons: Mapping[int, str]
    attempts: int

    @property
    def ids(self) -> Sequence[int]:
        return list(self.wishes)

    def halves(self) -> Sequence[Group]:
        """Return two groups, each with half of the wishes."""
        middle = len(self.wishes) // 2
        return [
            replace(self, wishes={one: self.wishes[one] for one in part})
            for part in (self.ids[:middle], self.ids[middle:])
        ]


async def ask(conn: Connection, wishes: Mapping[tuple[str, int, str, int], str]) -> None:
    """Ask for objects, given as ``(tenant, shop, kind, id) -> reason`` in lock order."""
    await conn.execute(
        SQL["ask"],
        [key[0] for key in wishes],
        [key[1] for key in wishes],
        [key[2] for key in wishes],
        [key[3] for key in wishes],
        list(wishes.values()),
    )


async def ask_for_pending(conn: Connection, owner: Owner) -> None:
    """Ask for the orders with a payment whose end may come without a change of the order."""
    await conn.execute(SQL["ask_for_pending"], owner.tenant_id, owner.shop_id)


async def ask_for_ruled(conn: Connection, owner: Owner) -> None:
    """Ask for the collections whose members change by rule."""
    await conn.execute(SQL["ask_for_ruled"], owner.tenant_id, owner.shop_id)


async def claim(
    conn: Connection,
    *,
    limits: Mapping[str, int],
    groups: int,
    busy: Mapping[int, int] = MappingProxyType({}),
) -> list[Group]:
    """Claim up to *groups* groups of due wishes, each of at most its kind's limit.

    *busy* is how many groups of a shop are being read already.
    """
    claimed = []
    known = (list(_RESOURCES), list(_RESOURCES.values()), list(busy), list(busy.values()))
    for due in await conn.fetch(SQL["due"], groups, *known, OF_A_SHOP, _OF_LEFTOVERS):
        key = (due["tenant_id"], due["shop_id"], due["kind"])
        rows = await conn.fetch(SQL["claim"], *key, limits[due["kind"]])
        if rows:
            group = Group(
                owner=Owner(tenant_id=due["tenant_id"], shop_id=due["shop_id"]),
                kind=due["kind"],
                wishes={row["id"]: row["requested_at"] for row in rows},
                reasons={row["id"]: row["reason"] for row in rows},
                attempts=max(row["attempts"] for row in rows),
            )
            claimed.append(group)
    return claimed


async def overtaken(conn: Connection, group: Group) -> list[int]:
    """Return which wishes another reader answered since they were claimed."""
    rows = await conn.fetch(SQL["overtaken"], *_key(group), group.ids)
    return [row["id"] for row in rows]


async def hold(conn: Connection, group: Group) -> None:
    """Keep the wishes of a group that is still being read."""
    await conn.execute(SQL["hold"], *_key(group), group.ids, list(group.wishes.values()))


async def settle(conn: Connection, group: Group) -> None:
    """Forget the wishes that were answered, unless renewed meanwhile."""
    await conn.execute(SQL["settle"], *_key(group), group.ids, list(group.wishes.values()))


async def postpone(conn: Connection, group: Group, seconds: float) -> None:
    await conn.execute(SQL["postpone"], *_key(group), group.ids, timedelta(seconds=seconds))


def _key(group: Group) -> tuple[str, int, str]:
    return (group.owner.tenant_id, group.owner.shop_id, group.kind)
