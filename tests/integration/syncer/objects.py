"""Hand-made snapshots: an order that is nothing but its id, its time and its total."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from shared.shopify.snapshots import Owner, Snapshot
from shared.tables import COLUMNS

TENANT = str(uuid.UUID(int=7))
OWNER = Owner(tenant_id=TENANT, shop_id=1)
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def at(second: int) -> datetime:
    """Return noon plus *second*."""
    return NOON + timedelta(seconds=second)


def a_row(table: str, **values: object) -> str:
    """Return a COPY line of *table*: given values, else something its type accepts."""
    return "\t".join(_text(values[c]) if c in values else _filler(c) for c in COLUMNS[table])


def an_order(
    order_id: int = 1,
    second: int = 0,
    *,
    total: str = "10.00",
    lines: Sequence[int] = (),
    source: str = "webhook",
    incomplete: str = "",
    owner: Owner = OWNER,
    **values: object,
) -> Snapshot:
    """Return an order of *total* with lines of the given ids, last updated at *second*."""
    ids = {"tenant_id": owner.tenant_id, "shop_id": owner.shop_id, "order_id": order_id}
    row = a_row("orders", **ids, updated_at=at(second), total_price=total, source=source, **values)
    line_rows = [a_row("order_lines", **ids, line_id=line, title=total) for line in lines]
    return Snapshot(
        owner=owner,
        kind="order",
        key=(order_id,),
        updated_at=at(second),
        row=row,
        children={"order_lines": line_rows, "refunds": (), "refund_lines": ()},
        incomplete=incomplete,
    )


def a_customer(customer_id: int, second: int, **values: object) -> Snapshot:
    """Return a customer; columns that are not given are null."""
    incomplete = str(values.pop("incomplete", ""))
    row = a_row(
        "customers",
        tenant_id=TENANT,
        shop_id=1,
        customer_id=customer_id,
        updated_at=at(second),
        **{"source": "webhook", **values},
    )
    return Snapshot(
        owner=OWNER,
        kind="customer",
        key=(customer_id,),
        updated_at=at(second),
        row=row,
        incomplete=incomplete,
    )


def a_level(second: int, *, available: int, on_hand: int | None = None, **kw: object) -> Snapshot:
    """Return item 5 at location 6; only *available* when nothing else is given."""
    row = a_row(
        "inventory_levels",
        tenant_id=TENANT,
        shop_id=1,
        inventory_item_id=5,
        location_id=6,
        available=available,
        **({} if on_hand is None else {"on_hand": on_hand}),
        updated_at=at(second),
        source=kw.get("source", "webhook"),
    )
    return Snapshot(
        owner=OWNER,
        kind="inventory_level",
        key=(5, 6),
        updated_at=at(second),
        row=row,
        incomplete=str(kw.get("incomplete", "")),
    )


def _text(value: object) -> str:
    if value is None:
        return "\\N"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _filler(column: str) -> str:
    return _FILLERS.get(column) or next(
        (text for part, text in _FILLERS_BY_PART if part in column), "\\N"
    )


_FILLERS = {
    "name": "#1",
    "title": "Tea",
    "currency": "GBP",
    "presentment_currency": "GBP",
    "created_at": "2026-01-01T00:00:00Z",
    "processed_at": "2026-01-01T00:00:00Z",
    "raw": "\\\\x00",
    "source": "webhook",
    "tags": "{}",
    "payment_gateway_names": "{}",
    "attributes": "[]",
    "tax_lines": "[]",
    "shipping_lines": "[]",
    "discount_applications": "[]",
    "discount_allocations": "[]",
    "duties": "[]",
    "address": "{}",
    "position": "1",
    "quantity": "1",
    "current_quantity": "1",
    "discount": "0",
    "tax": "0",
    "duty": "0",
    "total_duties": "\\N",
    "cancelled_at": "\\N",
    "kind": "sale",
    "status": "success",
    "amount": "1",
    "active": "t",
    "email": "\\N",
    "default_address_id": "\\N",
    "total_spent": "\\N",
    "available": "\\N",
}
_FILLERS_BY_PART = (
    ("price", "0"),
    ("total_", "0"),
    ("taxes_", "f"),
    ("duties_included", "f"),
    ("_taxes", "f"),
    ("test", "f"),
    ("confirmed", "t"),
    ("gift_card", "f"),
    ("requires_", "t"),
    ("taxable", "t"),
)
