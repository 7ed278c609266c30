"""Taking a customer's personal fields out of rows, archives and bodies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import zstandard

from services.syncer.domain.privacy import Request, Subject, ids_of
from shared.postgres import Connection, load_queries
from shared.shopify.snapshots import Fact, Kind, Owner

SQL = load_queries(__package__, "privacy_redacting.sql")

# As the statement "written" takes them.
_WRITTEN: tuple[tuple[Kind, ...], ...] = (
    ("customer",),
    ("order", "order_details"),
    ("draft_order",),
    ("abandoned_checkout",),
    ("gift_card",),
    ("fulfillment_order",),
    ("dispute",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """Some bodies were looked at: *last* is the place of the last, *erased* how many are gone."""

    last: Sequence[str] | None
    erased: int


async def remember(conn: Connection, request: Request) -> list[str]:
    """Wait for the shop's writers, let no later one bring anything back; return other names."""
    owner, orders = request.owner, request.order_ids
    customer = request.customer_id
    await conn.execute(SQL["lock"], owner.shop_id)
    key = (owner.tenant_id, owner.shop_id)
    names: list[str] = await conn.fetchval(SQL["orders_and_names"], *key, customer, orders)
    await conn.execute(SQL["remember"], *key, [customer], orders)
    return names


async def redact(
    conn: Connection, owner: Owner, *, customers: Sequence[int], orders: Sequence[int]
) -> dict[str, int]:
    """Take personal fields from all rows of *customers* and *orders*; count the rows by table."""
    given = {"customer": (customers,), "order": (orders,), "either": (customers, orders)}
    erased: dict[str, int] = {}
    for name, statement in SQL.items():
        whose, _, table = name.partition("_")
        if whose in given:
            ids = given[whose]
            tag = await conn.execute(statement, owner.tenant_id, owner.shop_id, *ids)
            erased[f"commerce.{table}"] = int(tag.rpartition(" ")[2])
    return erased


async def redacted_shops(conn: Connection, owners: Iterable[Owner]) -> dict[Owner, bool]:
    """Return the shops about which something was redacted, and whether the whole shop was.

    Their writers wait for redactions, and redactions for them, until the transaction ends.
    """
    known = list(owners)
    if not known:
        return {}
    rows = await conn.fetch(
        SQL["shops"], [one.tenant_id for one in known], [one.shop_id for one in known]
    )
    return {Owner(tenant_id=row[0], shop_id=row[1]): row["gone"] for row in rows}


async def redact_written(conn: Connection, owner: Owner, facts: Sequence[Fact]) -> None:
    """Take from *facts* of *owner*, just written, what was redacted before."""
    ids = [ids_of(facts, owner, kinds) for kinds in _WRITTEN]
    if not any(ids):
        return
    found: dict[str, list[int]] = defaultdict(list)
    for row in await conn.fetch(SQL["written"], owner.tenant_id, owner.shop_id, *ids):
        found[row["kind"]].append(row["id"])
    if found:
        await redact(conn, owner, customers=found["customer"], orders=found["order"])


async def redacted_ids(conn: Connection, owner: Owner, ids: Iterable[int]) -> frozenset[int]:
    """Return those of *ids* that name a redacted customer or order."""
    rows = await conn.fetch(SQL["redacted_ids"], owner.tenant_id, owner.shop_id, list(ids))
    return frozenset(row["id"] for row in rows)


async def redacted_objects(
    conn: Connection, owner: Owner, kind: Kind, ids: Iterable[int]
) -> set[int]:
    """Return those of *ids*, objects of *kind*, that lost personal fields."""
    key = (owner.tenant_id, owner.shop_id)
    rows = await conn.fetch(SQL["redacted_objects"], *key, kind, list(ids))
    return {row["id"] for row in rows}


async def erase_bodies(conn: Connection, owner: Owner, named: Sequence[tuple[str, str]]) -> None:
    """Forget what deliveries, (topic, webhook_id) pairs, said."""
    topics, webhook_ids = [one[0] for one in named], [one[1] for one in named]
    await conn.execute(SQL["erase_bodies"], owner.tenant_id, owner.shop_id, topics, webhook_ids)


async def scan_bodies(conn: Connection, request: Request, subject: Subject, limit: int) -> Scanned:
    """Forget the next bodies of the event log that name *subject*."""
    owner = request.owner
    place = request.place or (None, None, None)
    rows = await conn.fetch(SQL["bodies"], owner.tenant_id, owner.shop_id, *place, limit)
    named = [
        (row["topic"], row["webhook_id"])
        for row in rows
        if subject.is_named_in(_opened(row["body"]))
    ]
    if named:
        await erase_bodies(conn, owner, named)
    last = [str(rows[-1][n]) for n in range(3)] if rows else None
    return Scanned(last=last, erased=len(named))


async def scan_large_bodies(
    conn: Connection, request: Request, subject: Subject, limit: int
) -> Scanned:
    """Delete the next claim-checked bodies that name *subject*."""
    key = (request.owner.tenant_id, request.owner.shop_id)
    place = request.place[0] if request.place else None
    rows = await conn.fetch(SQL["large_bodies"], *key, place, limit)
    named = [row["body_id"] for row in rows if subject.is_named_in(row["body"])]
    if named:
        await conn.execute(SQL["erase_large_bodies"], *key, named)
    return Scanned(last=[rows[-1]["body_id"]] if rows else None, erased=len(named))


def _opened(body: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(body)
