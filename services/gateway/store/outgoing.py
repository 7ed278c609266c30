"""What other systems are told by us."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import orjson

from shared.postgres import Connection, load_queries

SQL = load_queries("services.gateway.store", "outgoing.sql")
_NOTHING: Mapping[str, str] = MappingProxyType({})


async def add_event(
    conn: Connection,
    tenant_id: str,
    shop_id: int,
    kind: str,
    details: Mapping[str, str] = _NOTHING,
) -> None:
    """Leave an event to the relay in the caller's transaction, if somebody listens."""
    text = orjson.dumps(dict(details)).decode()
    await conn.execute(SQL["add_event"], tenant_id, shop_id, kind, text)
