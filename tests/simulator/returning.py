"""Returns: goods that come back, whether or not money has followed them yet."""

from __future__ import annotations

from typing import Any

from tests.simulator.ids import CHILDREN, Ids
from tests.simulator.ledger import line_net
from tests.simulator.model import Line, Order, Refund
from tests.simulator.money import share
from tests.simulator.order_parts import Return, ReturnLine

REASONS = ("size-too-small", "defective", "unwanted", "other")


def attach_returns(order: Order, ids: Ids) -> None:
    """Let some refunds of a seeded order be the end of a return."""
    assert order.totals is not None
    if order.totals.total.shop % 3 or order.cancelled:
        return
    parent = ids.sequence("Order", order.id)
    for refund in order.refunds:
        if not refund.lines or refund.lines[0].restock_type != "RETURN":
            continue
        place = ids.sequence("Refund", refund.id) % CHILDREN
        made = Return(
            id=ids.child("Return", parent, place),
            order_id=order.id,
            name=f"{order.name}-R{len(order.returns) + 1}",
            status="CLOSED",
            created=refund.created,
            approved=refund.created,
            closed=refund.processed,
            lines=[
                ReturnLine(
                    id=ids.child(
                        "ReturnLineItem",
                        parent,
                        ids.sequence("RefundLineItem", one.id) % CHILDREN,
                    ),
                    line_id=one.line_id,
                    quantity=one.quantity,
                    reason=REASONS[one.quantity % len(REASONS)],
                    note="",
                    worth=one.subtotal,
                    refunded=one.quantity,
                )
                for one in refund.lines
            ],
        )
        refund.return_id = made.id
        order.returns.append(made)


def open_return(
    order: Order, units: list[tuple[Line, int]], ids: Ids, *, at: int, status: str, reason: str
) -> Return:
    """Ask for, or agree to, taking *units* back; nothing is refunded by it."""
    parent = ids.sequence("Order", order.id)
    lines = []
    for line, count in units:
        order.next_child += 1
        lines.append(
            ReturnLine(
                id=ids.child("ReturnLineItem", parent, order.next_child),
                line_id=line.id,
                quantity=count,
                reason=reason,
                note="Does not fit" if reason.startswith("size") else "",
                worth=share(line_net(line), line.quantity, done=0, taken=count),
                customer_note="Please hurry" if count == 1 else None,
            )
        )
    order.next_child += 1
    made = Return(
        id=ids.child("Return", parent, order.next_child),
        order_id=order.id,
        name=f"{order.name}-R{len(order.returns) + 1}",
        status=status,
        created=at,
        lines=lines,
        approved=at if status == "OPEN" else None,
        decline_reason="RETURN_PERIOD_ENDED" if status == "DECLINED" else None,
    )
    order.returns.append(made)
    return made


def refund_return(order: Order, made: Return, historian: Any, *, at: int) -> Refund:
    """Pay for what came back and close the return."""
    lines = {line.id: line for line in order.lines}
    units = [(lines[one.line_id], one.quantity) for one in made.lines]
    refund: Refund = historian.refund(order, units, at=at, note="Returned")
    refund.return_id = made.id
    for one in made.lines:
        one.refunded = one.quantity
    made.status, made.closed = "CLOSED", at
    return refund


def return_status(order: Order) -> str:
    """Shopify's returnStatus."""
    states = {one.status for one in order.returns}
    if "OPEN" in states:
        return "IN_PROGRESS"
    if "REQUESTED" in states:
        return "RETURN_REQUESTED"
    return "RETURNED" if "CLOSED" in states else "NO_RETURN"
