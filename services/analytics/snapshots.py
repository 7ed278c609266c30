"""Reads commerce's rows of some orders and makes the ledger's values of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

import msgspec

from services.analytics import agreements, customers
from services.analytics.agreements import Told
from services.analytics.domain.orders import (
    ZERO,
    Line,
    OrderSnapshot,
    Refund,
    RefundLine,
    Reversal,
    Shipping,
)
from services.analytics.shop import ShopKey
from shared.errors import Rejected
from shared.postgres import Connection, Record, load_queries

SQL = load_queries("services.analytics")

_UNTOLD = Told()

Entry = TypeVar("Entry")


class TaxLine(msgspec.Struct):
    """One entry of ``tax_lines``."""

    amount: Decimal
    rate: Decimal | None = None


class ShippingEntry(msgspec.Struct):
    """One entry of ``orders.shipping_lines``: *discounted_price* is what was charged."""

    discounted_price: Decimal
    tax_lines: list[TaxLine] = []


class DutyEntry(msgspec.Struct):
    """One entry of ``order_lines.duties``."""

    tax_lines: list[TaxLine] = []


class AdjustmentEntry(msgspec.Struct):
    """One entry of ``refunds.adjustments``."""

    amount: Decimal
    tax_amount: Decimal = ZERO


class RefundShippingEntry(msgspec.Struct):
    """One entry of ``refunds.shipping``; *amount* includes tax when the order's prices do."""

    amount: Decimal
    tax: Decimal = ZERO


class RefundDutyEntry(msgspec.Struct):
    """One entry of ``refunds.duties``."""

    amount: Decimal


_tax_lines = msgspec.json.Decoder(list[TaxLine])
_shipping_lines = msgspec.json.Decoder(list[ShippingEntry])
_duties = msgspec.json.Decoder(list[DutyEntry])
_adjustments = msgspec.json.Decoder(list[AdjustmentEntry])
_refund_shipping = msgspec.json.Decoder(list[RefundShippingEntry])
_refund_duties = msgspec.json.Decoder(list[RefundDutyEntry])


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Orders as last seen, and those whose rows cannot be understood, with the reason."""

    orders: list[OrderSnapshot]
    refused: dict[int, str]


async def orders_of(conn: Connection, shop: ShopKey, order_ids: Sequence[int]) -> Gathered:
    """Read the newest rows of *order_ids*; an id without an order is left out."""
    key = (shop.tenant_id, shop.shop_id, order_ids)
    orders = await conn.fetch(SQL["orders"], *key)
    lines = _by_order(await conn.fetch(SQL["order_lines"], *key))
    refunds = _by_order(await conn.fetch(SQL["refunds"], *key))
    refund_lines = _by_order(await conn.fetch(SQL["refund_lines"], *key)) if refunds else {}
    told = await agreements.agreements_of(conn, shop, order_ids)
    became = await customers.successors(conn, shop, _customers(orders))
    gathered = Gathered(orders=[], refused={})
    for row in orders:
        order_id = row["order_id"]
        try:
            children = _refunds(refunds.get(order_id, ()), refund_lines.get(order_id, ()))
            customer_id = became.get(row["customer_id"], row["customer_id"])
            ledger = told.get(order_id, _UNTOLD)
            order = _order(row, lines.get(order_id, ()), children, ledger, customer_id)
            gathered.orders.append(order)
        except Rejected as exc:
            gathered.refused[order_id] = str(exc)
    return gathered


def _customers(orders: Sequence[Record]) -> set[int]:
    return {row["customer_id"] for row in orders} - {None}


def _by_order(rows: Sequence[Record]) -> dict[int, list[Record]]:
    grouped: dict[int, list[Record]] = defaultdict(list)
    for row in rows:
        grouped[row["order_id"]].append(row)
    return grouped


def _order(
    row: Record,
    lines: Sequence[Record],
    refunds: tuple[Refund, ...],
    told: Told,
    customer_id: int | None,
) -> OrderSnapshot:
    return OrderSnapshot(
        order_id=row["order_id"],
        customer_id=customer_id,
        currency=row["currency"],
        processed_at=row["processed_at"],
        cancelled_at=row["cancelled_at"],
        deleted=row["deleted"],
        test=row["test"],
        taxes_included=row["taxes_included"],
        duties_included=row["duties_included"],
        total_tax=row["total_tax"],
        total_duties=row["total_duties"],
        total_tip=row["total_tip"],
        lines=tuple(map(_line, lines)),
        shipping=tuple(
            Shipping(charged=one.discounted_price, tax=_tax(one.tax_lines))
            for one in _decoded(_shipping_lines, row["shipping_lines"])
        ),
        refunds=refunds,
        agreements=told.agreements,
        fees=told.fees,
    )


def _line(row: Record) -> Line:
    duties = _decoded(_duties, row["duties"])
    return Line(
        line_id=row["line_id"],
        product_id=row["product_id"],
        variant_id=row["variant_id"],
        quantity=row["quantity"],
        current_quantity=row["current_quantity"],
        price=row["price"],
        discount=row["discount"],
        tax=row["tax"],
        tax_rate=sum((one.rate or ZERO for one in _decoded(_tax_lines, row["tax_lines"])), ZERO),
        duty=row["duty"],
        duty_tax=sum((_tax(one.tax_lines) for one in duties), ZERO),
        gift_card=row["gift_card"],
    )


def _refunds(rows: Sequence[Record], lines: Sequence[Record]) -> tuple[Refund, ...]:
    if not rows:
        return ()
    of_refund: dict[int, list[RefundLine]] = defaultdict(list)
    for line in lines:
        of_refund[line["refund_id"]].append(_refund_line(line))
    return tuple(_refund(row, tuple(of_refund.get(row["refund_id"], ()))) for row in rows)


def _refund_line(row: Record) -> RefundLine:
    return RefundLine(
        refund_line_id=row["refund_line_id"],
        line_id=row["line_id"],
        quantity=row["quantity"],
        subtotal=row["subtotal"],
        tax=row["total_tax"],
    )


def _refund(row: Record, lines: tuple[RefundLine, ...]) -> Refund:
    adjustments = _decoded(_adjustments, row["adjustments"])
    shipping = _decoded(_refund_shipping, row["shipping"])
    return Refund(
        refund_id=row["refund_id"],
        processed_at=row["processed_at"],
        lines=lines,
        adjustment=Reversal(
            amount=sum((one.amount for one in adjustments), ZERO),
            tax=sum((one.tax_amount for one in adjustments), ZERO),
        ),
        shipping=Reversal(
            amount=sum((one.amount for one in shipping), ZERO),
            tax=sum((one.tax for one in shipping), ZERO),
        ),
        duties=sum((one.amount for one in _decoded(_refund_duties, row["duties"])), ZERO),
    )


def _tax(lines: Sequence[TaxLine]) -> Decimal:
    return sum((one.amount for one in lines), ZERO)


def _decoded(decoder: msgspec.json.Decoder[list[Entry]], text: str | None) -> list[Entry]:
    if text is None:
        return []
    try:
        return decoder.decode(text)
    except msgspec.DecodeError as exc:
        raise Rejected(f"a stored part of the order cannot be read: {exc}") from exc
