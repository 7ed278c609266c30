"""Objects that must be read again by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.postgres import Connection, load_queries
from shared.shopify.snapshots import Kind, Owner

SQL = load_queries(__package__, "refetches.sql")


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


async def claim(conn: Connection, *, limits: Mapping[str, int], groups: int) -> list[Group]:
    """Claim up to *groups* groups of due wishes, each of at most its kind's limit."""
    claimed = []
    for due in await conn.fetch(SQL["due"], groups):
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


async def settle(conn: Connection, group: Group) -> None:
    """Forget the wishes that were answered, unless renewed meanwhile."""
    await conn.execute(SQL["settle"], *_key(group), group.ids, list(group.wishes.values()))


async def postpone(conn: Connection, group: Group, seconds: float) -> None:
    await conn.execute(SQL["postpone"], *_key(group), group.ids, timedelta(seconds=seconds))


def _key(group: Group) -> tuple[str, int, str]:
    return (group.owner.tenant_id, group.owner.shop_id, group.kind)
