"""The ledger's one rule: what an order, as last seen, contributes to the shop's sales.

Definitions: analytics reference, section 2.1. A new snapshot replaces the whole set, so every
contribution must follow from the snapshot alone; ids, not positions, name them. Where Shopify's own
ledger of the order is known and adds up, it says what happened when (``agreements``); else the
order's lines and refunds do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.analytics.domain import agreements
from services.analytics.domain.contributions import (
    Contribution,
    Kind,
    Measures,
    less,
    total,
    undoing,
)
from services.analytics.domain.days import Days
from services.analytics.domain.lines import Worth, with_taxes, worth
from services.analytics.domain.orders import ZERO, Line, OrderSnapshot, Refund, RefundLine

_NOTHING = Measures()


class Counted(NamedTuple):
    """What an order contributes; *gap* is why Shopify's ledger of it was not followed."""

    rows: list[Contribution]
    gap: str | None = None


def contributions(order: OrderSnapshot, timezone: ZoneInfo) -> Counted:
    """List what *order* adds to the measures; nothing for test and deleted orders.

    Days are those of *timezone*, the shop's. Sales fall on the day of ``processed_at``, reversals
    on the day that the refund was processed or the order cancelled. An edit falls on its own day
    where an agreement tells it, and else on the order's.
    """
    if order.test or order.deleted:
        return Counted([])
    ledger = _Ledger.of(with_taxes(order), timezone)
    rows = [ledger.placed(), *ledger.sales(), *ledger.refunds()]
    removed = [] if order.cancelled_at and not order.agreements else [*ledger.removals(rows)]
    gap = None
    if order.agreements:
        told, gap = agreements.contributions(order, ledger.days, kept=rows + removed)
        if gap is None:
            rows, removed = told, []
    if order.cancelled_at is None:
        return Counted(rows + removed, gap)
    return Counted([*rows, *ledger.cancellation(rows, order.cancelled_at)], gap)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ledger:
    order: OrderSnapshot
    days: Days
    worths: dict[int, Worth]

    @classmethod
    def of(cls, order: OrderSnapshot, timezone: ZoneInfo) -> _Ledger:
        return cls(
            order=order,
            days=Days.of(order, timezone),
            worths={line.line_id: worth(line, order) for line in order.lines},
        )

    def placed(self) -> Contribution:
        order = self.order
        tax = sum((one.tax for one in order.shipping), ZERO)
        charged = sum((one.charged for one in order.shipping), ZERO)
        known_duties = any(line.duty for line in order.lines)
        measures = Measures(
            orders=1 if order.lines else 0,
            shipping=charged - tax if order.taxes_included else charged,
            taxes=tax,
            duties=ZERO if known_duties else order.total_duties,
            tips=order.total_tip,
        )
        return self.days.row("o", "order", order.processed_at, measures)

    def sales(self) -> Iterator[Contribution]:
        for line in self.order.lines:
            sold = self.worths[line.line_id].sold()
            kind: Kind = "gift_card" if line.gift_card else "sale"
            yield self.days.row(f"l:{line.line_id}", kind, self.order.processed_at, sold, line)

    def refunds(self) -> Iterator[Contribution]:
        gone: dict[int, int] = defaultdict(int)
        for refund in sorted(self.order.refunds, key=lambda one: (one.processed_at, one.refund_id)):
            for given in sorted(refund.lines, key=lambda one: one.refund_line_id):
                units = range(gone[given.line_id], gone[given.line_id] + given.quantity)
                gone[given.line_id] = units.stop
                yield self._refund_line(refund, given, units)
            yield from self._refund_rest(refund)

    def _refund_line(self, refund: Refund, given: RefundLine, units: range) -> Contribution:
        known = self.worths.get(given.line_id)
        if known is None:
            tax = given.tax if self.order.taxes_included else ZERO
            measures = Measures(
                units=-given.quantity, gross_reversals=given.subtotal - tax, taxes=-given.tax
            )
        else:
            measures = known.refunded(given, units=units, order=self.order)
        ckey = f"r:{refund.refund_id}:{given.refund_line_id}"
        line = known.line if known else None
        return self.days.row(ckey, "refund", refund.processed_at, measures, line)

    def _refund_rest(self, refund: Refund) -> Iterator[Contribution]:
        shipping, adjustment = refund.shipping, refund.adjustment
        inside = shipping.tax if self.order.taxes_included else ZERO
        rest: tuple[tuple[str, Kind, Measures], ...] = (
            (
                "a",
                "adjustment",
                Measures(adjustments=-adjustment.amount, taxes=adjustment.tax),
            ),
            (
                "s",
                "shipping_reversal",
                Measures(shipping=inside - shipping.amount, taxes=-shipping.tax),
            ),
            ("d", "duty_reversal", Measures(duties=-refund.duties)),
        )
        for suffix, kind, measures in rest:
            if measures != _NOTHING:
                ckey = f"r:{refund.refund_id}:{suffix}"
                yield self.days.row(ckey, kind, refund.processed_at, measures)

    def removals(self, done: list[Contribution]) -> Iterator[Contribution]:
        given_back: dict[int, int] = defaultdict(int)
        for refund in self.order.refunds:
            for given in refund.lines:
                given_back[given.line_id] += given.quantity
        for line in self.order.lines:
            before = given_back[line.line_id]
            removed = range(before, line.quantity - line.current_quantity)
            if removed:
                yield self._removal(line, removed, done)

    def _removal(self, line: Line, units: range, done: list[Contribution]) -> Contribution:
        # All units that are gone, less what refunds took: whichever went first, Shopify's
        # current totals know only how many are left. Duties apart, whose refunds name no line: a
        # refund's units keep theirs, unless prices hold them, so what edits took comes first.
        known = self.worths[line.line_id]
        dutiable = units if self.order.duties_included else range(len(units))
        refunded = total(
            one.measures for one in done if one.line_id == line.line_id and one.kind == "refund"
        )
        measures = less(known.removed(units.stop), refunded)._replace(
            duties=-known.duty_of(dutiable)
        )
        ckey = f"e:{line.line_id}"
        return self.days.row(ckey, "removal", self.order.processed_at, measures, line)

    def cancellation(self, done: list[Contribution], at: datetime) -> Iterator[Contribution]:
        lines = {line.line_id: line for line in self.order.lines}
        parts: dict[int | None, list[Measures]] = defaultdict(list)
        for one in done:
            parts[one.line_id].append(one.measures)
        for line_id, measures in parts.items():
            rest = undoing(total(measures))
            if rest != _NOTHING:
                line = lines[line_id] if line_id is not None else None
                ckey = "c" if line_id is None else f"c:{line_id}"
                yield self.days.row(ckey, "cancellation", at, rest, line)
