"""What happens to an order after it was placed; used by the catalogue and by live actions.

Ids of new parts come from ``ids.child``, so that an order can be told from any part of it.
"""

from __future__ import annotations

from tests.simulator.ids import Ids
from tests.simulator.ledger import (
    line_discount,
    line_net,
    line_tax,
    removed_units,
    settle,
    shipping_tax,
    units_share,
)
from tests.simulator.model import (
    Adjustment,
    Fulfillment,
    Line,
    Order,
    Refund,
    RefundLine,
    RefundShipping,
    Transaction,
)
from tests.simulator.money import Bag, minus, plus, share, total
from tests.simulator.order_parts import Edit, Removal

GATEWAY = "shopify_payments"


class Historian:
    """Changes orders; every change ends with settled totals and a new ``updated``."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def _next(self, order: Order, kind: str) -> int:
        order.next_child += 1
        return self._ids.child(kind, self._ids.sequence("Order", order.id), order.next_child)

    def transact(
        self,
        order: Order,
        kind: str,
        amount: Bag,
        *,
        at: int,
        status: str = "SUCCESS",
        parent: Transaction | None = None,
    ) -> Transaction:
        made = Transaction(
            id=self._next(order, "OrderTransaction"),
            kind=kind,
            status=status,
            gateway=parent.gateway if parent else GATEWAY,
            amount=amount,
            created=at,
            processed=at,
            test=order.test,
            error_code="CARD_DECLINED" if status == "FAILURE" else None,
            parent_id=parent.id if parent else None,
        )
        order.transactions.append(made)
        if made.gateway not in order.gateways:
            order.gateways.append(made.gateway)
        order.updated = max(order.updated, at)
        return made

    def pay(self, order: Order, *, at: int) -> Transaction | None:
        """Collect what is outstanding: capture an authorization, or a plain sale.

        Like ``transact`` it leaves settling the totals to the caller.
        """
        assert order.totals is not None
        due = order.totals.outstanding
        if due.presentment <= 0:
            return None
        held = next((t for t in order.transactions if t.kind == "AUTHORIZATION"), None)
        captured = any(t.kind == "CAPTURE" for t in order.transactions)
        if held is not None and not captured:
            return self.transact(order, "CAPTURE", due, at=at, parent=held)
        return self.transact(order, "SALE", due, at=at)

    def fulfill(
        self, order: Order, *, at: int, location_id: int | None, every: bool = True
    ) -> bool:
        """Ship what is left, or only the first line of it."""
        units = [
            (line, line.current_quantity - line.fulfilled)
            for line in order.lines
            if line.requires_shipping and line.current_quantity > line.fulfilled
        ]
        if not units:
            return False
        units = units if every else [(units[0][0], max(1, units[0][1] // 2))]
        place = len(order.fulfillments) + 1
        number = f"1Z{order.id % 10**12:012d}{place}"
        made = Fulfillment(
            id=self._next(order, "Fulfillment"),
            name=f"{order.name}-F{place}",
            status="SUCCESS",
            created=at,
            updated=at,
            location_id=location_id,
            company="UPS",
            number=number,
            url=f"https://www.ups.com/track?tracknum={number}",
            units=[(line.id, count) for line, count in units],
        )
        for line, count in units:
            line.fulfilled += count
        order.fulfillments.append(made)
        order.updated = max(order.updated, at)
        return True

    def refund(
        self,
        order: Order,
        units: list[tuple[Line, int]],
        *,
        at: int,
        shipping: bool = False,
        discrepancy: int = 0,
        note: str | None = None,
        beyond: bool = False,
    ) -> Refund:
        """Give back *units*, the shipping if asked, and *discrepancy* minor units on top.

        A positive *discrepancy* is paid beyond the goods' worth; Shopify records it as a negative
        adjustment. Negative keeps money back. *beyond* pays even what was never received.
        """
        made = Refund(
            id=self._next(order, "Refund"),
            created=at,
            processed=at,
            note=note,
            lines=[self._refund_line(order, line, count) for line, count in units if count],
            shipping=self._refund_shipping(order) if shipping else [],
            adjustments=[],
            duties=[],
            transactions=[],
        )
        if discrepancy:
            made.adjustments.append(self._adjustment(order, discrepancy))
        self._refund_duties(order, made)
        order.refunds.append(made)
        self._pay_back(order, made, at, beyond=beyond)
        order.updated = max(order.updated, at)
        settle(order)
        return made

    def _refund_line(self, order: Order, line: Line, count: int) -> RefundLine:
        made = RefundLine(
            id=self._next(order, "RefundLineItem"),
            line_id=line.id,
            quantity=count,
            restock_type="RETURN" if line.fulfilled else "CANCEL",
            location_id=order.fulfillments[0].location_id if order.fulfillments else None,
            subtotal=units_share(line, line_net(line), count),
            tax=units_share(line, line_tax(line), count),
            discount=units_share(line, line_discount(line), count),
        )
        if made.location_id is None:
            made.restock_type = "NO_RESTOCK"
        line.current_quantity -= count
        return made

    def _refund_shipping(self, order: Order) -> list[RefundShipping]:
        done = {one.shipping_line_id for refund in order.refunds for one in refund.shipping}
        return [
            RefundShipping(
                self._next(order, "RefundShippingLine"),
                line.id,
                line.discounted,
                shipping_tax(line),
            )
            for line in order.shipping
            if line.id not in done and line.discounted.shop
        ]

    def _refund_duties(self, order: Order, made: Refund) -> None:
        returned = {line.id for line in order.lines if line.current_quantity == 0}
        done = {duty for one in order.refunds for duty, _ in one.duties}
        touched = {one.line_id for one in made.lines}
        for line in order.lines:
            if line.id in returned & touched:
                taken = removed_units(order, line)
                made.duties += [
                    (d.id, share(d.price, line.quantity, done=taken, taken=line.quantity - taken))
                    for d in line.duties
                    if d.id not in done
                ]

    def _adjustment(self, order: Order, minor: int) -> Adjustment:
        shop, buyer = order.currencies
        amount = Bag(-minor, -minor, order.currencies)
        if shop != buyer:
            amount = _converted(order, -minor)
        zero = Bag(0, 0, order.currencies)
        number = self._next(order, "OrderAdjustment")
        return Adjustment(number, "REFUND_DISCREPANCY", amount, zero)

    def _pay_back(self, order: Order, made: Refund, at: int, *, beyond: bool) -> None:
        settle(order)
        assert order.totals is not None
        available = minus(order.totals.received, order.totals.refunded)
        owed = _worth(order, made)
        if owed.presentment <= 0 or (available.presentment <= 0 and not beyond):
            return
        given = owed if beyond or owed.presentment <= available.presentment else available
        parent = next(
            (
                t
                for t in order.transactions
                if t.kind in ("SALE", "CAPTURE") and t.status == "SUCCESS"
            ),
            None,
        )
        made.transactions.append(self.transact(order, "REFUND", given, at=at, parent=parent))

    def cancel(self, order: Order, *, at: int, reason: str = "CUSTOMER") -> Refund | None:
        """Cancel: everything left is refunded or, if nothing was paid, voided."""
        settle(order)
        assert order.totals is not None
        order.cancelled = order.closed = at
        order.cancel_reason = reason
        order.updated = max(order.updated, at)
        left = [(line, line.current_quantity) for line in order.lines]
        if order.totals.received.presentment == 0:
            held = next((t for t in order.transactions if t.kind == "AUTHORIZATION"), None)
            if held is not None:
                self.transact(order, "VOID", held.amount, at=at, parent=held)
        return self.refund(order, left, at=at, shipping=True, note="Order canceled")

    def edit(
        self, order: Order, *, at: int, removed: Line | None = None, added: Line | None = None
    ) -> None:
        """Take one unit off *removed*, put *added* on, without moving money."""
        gone = []
        if removed is not None and removed.current_quantity > removed.fulfilled:
            worth = (line_net(removed), line_tax(removed), line_discount(removed))
            parts = [units_share(removed, whole, 1) for whole in worth]
            gone.append(Removal(removed.id, 1, *parts, duties=_duties_of_unit(order, removed)))
            removed.current_quantity -= 1
        if added is not None:
            added.id = self._next(order, "LineItem")
            order.lines.append(added)
        number = self._next(order, "SalesAgreement")
        order.edits.append(Edit(number, at, gone, [added.id] if added is not None else []))
        order.edited = True
        order.updated = max(order.updated, at)
        settle(order)


def _duties_of_unit(order: Order, line: Line) -> list[tuple[int, Bag]]:
    """What the next unit that an edit takes off *line* carries.

    A refund's units keep theirs until the last of the line is gone, so only edits count.
    """
    done = removed_units(order, line)
    return [(d.id, share(d.price, line.quantity, done=done, taken=1)) for d in line.duties]


def _worth(order: Order, made: Refund) -> Bag:
    """The goods, tax, shipping and duties of a refund, less its adjustments."""
    money = order.currencies
    parts = [one.subtotal for one in made.lines] + [one.subtotal for one in made.shipping]
    if not order.taxes_included:
        parts += [one.tax for one in made.lines] + [one.tax for one in made.shipping]
    parts += [amount for _, amount in made.duties]
    adjusted = total((plus(a.amount, a.tax) for a in made.adjustments), money)
    return minus(total(parts, money), adjusted)


def _converted(order: Order, shop_minor: int) -> Bag:
    """Bring an amount of the shop's currency into both, at the order's own rate."""
    assert order.totals is not None
    whole = order.totals.total
    if whole.shop == 0:
        return Bag(shop_minor, shop_minor, order.currencies)
    return Bag(shop_minor, shop_minor * whole.presentment // whole.shop, order.currencies)
