"""The worth of a line without its tax, and of some of its units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

from services.analytics.domain.allocation import spread, units_share
from services.analytics.domain.contributions import Measures
from services.analytics.domain.orders import ZERO, Line, OrderSnapshot, RefundLine, Shipping
from shared.money import minor_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """All units of *line*, tax-exclusive: gross less discount is net.

    *tax_inside* and *duty_inside* are what its price holds besides.
    """

    line: Line
    currency: str
    gross: Decimal
    discount: Decimal
    tax: Decimal
    tax_inside: Decimal
    duty_inside: Decimal

    def sold(self) -> Measures:
        """What selling the line adds."""
        if self.line.gift_card:
            card = self.gross - self.discount
            return Measures(gift_card_sales=card, taxes=self.tax, duties=self.line.duty)
        return Measures(
            units=self.line.quantity,
            gross_sales=self.gross,
            discounts=self.discount,
            taxes=self.tax,
            duties=self.line.duty,
        )

    def refunded(self, given: RefundLine, *, units: range, order: OrderSnapshot) -> Measures:
        """What giving *units* back takes; Shopify says how much, the line says how much gross."""
        net = given.subtotal - (given.tax if order.taxes_included else ZERO)
        if order.duties_included:
            net -= self.duty_of(units)
        gross = self._share(self.gross, units) if units.start < self.line.quantity else net
        return self._reversed(given.quantity, gross, gross - net, given.tax)

    def removed(self, count: int) -> Measures:
        """What taking the first *count* units off the order takes, by their share of the line.

        Shopify shares out what is charged, and its tax: net is what is left of both.
        """
        units = range(count)
        inside = self.tax_inside + self.duty_inside
        net = self._share(self.gross - self.discount + inside, units)
        net -= self._share(self.tax_inside, units) + self._share(self.duty_inside, units)
        gross = self._share(self.gross, units)
        return self._reversed(count, gross, gross - net, self._share(self.tax, units))

    def duty_of(self, units: range) -> Decimal:
        """The part of the line's duty that *units* carry."""
        return self._share(self.line.duty, units)

    def _reversed(self, units: int, gross: Decimal, discount: Decimal, tax: Decimal) -> Measures:
        if self.line.gift_card:
            return Measures(gift_card_sales=discount - gross, taxes=-tax)
        return Measures(
            units=-units, gross_reversals=gross, discount_reversals=discount, taxes=-tax
        )

    def _share(self, whole: Decimal, units: range) -> Decimal:
        return units_share(whole, self.line.quantity, units, self.currency)


def worth(line: Line, order: OrderSnapshot) -> Worth:
    """Take included tax and duty out of *line*'s price, then out of its discount."""
    gross, discount = line.price * line.quantity, line.discount
    tax_inside = line.tax if order.taxes_included else ZERO
    duty_inside = line.duty if order.duties_included else ZERO
    inside = tax_inside + duty_inside
    if order.taxes_included and discount:
        discount = _without_tax(line, inside, order.currency)
    if inside or discount != line.discount:
        gross = gross - line.discount - inside + discount
    return Worth(
        line=line,
        currency=order.currency,
        gross=gross,
        discount=discount,
        tax=line.tax + line.duty_tax,
        tax_inside=tax_inside,
        duty_inside=duty_inside,
    )


def _without_tax(line: Line, inside: Decimal, currency: str) -> Decimal:
    # Rounded down, as Shopify's sales report does: 25 of 100 including 10 % is 22.72.
    net = line.price * line.quantity - line.discount
    part = (net - inside) / net if net else 1 / (1 + line.tax_rate)
    return (line.discount * part).quantize(minor_unit(currency), rounding=ROUND_DOWN)


def with_taxes(order: OrderSnapshot) -> OrderSnapshot:
    """Give an order whose tax is known only in total a tax per line and shipping line."""
    taxed = any(line.tax for line in order.lines) or any(one.tax for one in order.shipping)
    if taxed or not order.total_tax or not order.lines:
        return order
    weights = [max(ZERO, one.price * one.quantity - one.discount) for one in order.lines]
    weights += [max(ZERO, one.charged) for one in order.shipping]
    duty_tax = sum((line.duty_tax for line in order.lines), ZERO)
    taxes = iter(spread(order.total_tax - duty_tax, weights, order.currency))
    lines = tuple(replace(line, tax=next(taxes)) for line in order.lines)
    shipping = tuple(Shipping(charged=one.charged, tax=next(taxes)) for one in order.shipping)
    return replace(order, lines=lines, shipping=shipping)
