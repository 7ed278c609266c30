"""What a shop answered that we do not know."""

from __future__ import annotations

from collections.abc import Mapping

from shared.postgres import Connection, load_queries
from shared.shopify.schema_drift import Key, Sighting

SQL = load_queries(__package__, "schema_drift.sql")


async def save(conn: Connection, seen: Mapping[Key, Sighting]) -> None:
    """Add *seen* to what was seen before."""
    rows = [
        (owner.tenant_id, owner.shop_id, kind, what, sighting.example, sighting.count)
        for (owner, kind, what), sighting in seen.items()
    ]
    await conn.execute(SQL["save"], *(list(column) for column in zip(*rows, strict=True)))
