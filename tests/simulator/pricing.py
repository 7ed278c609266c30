"""What the parts of an order cost, worked out for one currency at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.simulator.model import (
    Allocation,
    Discount,
    Line,
    ShippingLine,
    TaxLine,
)
from tests.simulator.money import Bag, allocate, scaled

Tax = tuple[str, int, float]


@dataclass(slots=True)
class Basket:
    """An order before it is priced. ``unit`` prices are pairs: shop and presentment."""

    currencies: tuple[str, str]
    taxes_included: bool
    taxes: tuple[Tax, ...]
    units: list[tuple[int, int]]
    quantities: list[int]
    taxable: list[bool]
    shipping: tuple[int, int] | None = None
    line_percent: dict[int, int] = field(default_factory=dict)
    line_fixed: dict[int, tuple[int, int]] = field(default_factory=dict)
    order_percent: int = 0
    order_fixed: tuple[int, int] = (0, 0)
    shipping_percent: int = 0


@dataclass(slots=True)
class Priced:
    """One currency's view: amounts by line; taxes by line and rate."""

    line_discounts: list[int]
    order_discounts: list[int]
    taxes: list[list[int]]
    shipping: int = 0
    shipping_discount: int = 0
    shipping_taxes: list[int] = field(default_factory=list)


def price(basket: Basket, side: int) -> Priced:
    """Price *basket* in the shop's (0) or the buyer's (1) currency."""
    gross = [unit[side] * n for unit, n in zip(basket.units, basket.quantities, strict=True)]
    own = [0] * len(gross)
    for place, percent in basket.line_percent.items():
        own[place] = scaled(gross[place], percent, 100)
    for place, amount in basket.line_fixed.items():
        own[place] = min(amount[side], gross[place])
    bases = [
        (whole - off) if taxable else 0
        for whole, off, taxable in zip(gross, own, basket.taxable, strict=True)
    ]
    wanted = scaled(sum(bases), basket.order_percent, 100) + basket.order_fixed[side]
    across = allocate(min(wanted, sum(bases)), bases)
    taxes = [
        _taxes(basket, whole - off - part) if taxable else []
        for whole, off, part, taxable in zip(gross, own, across, basket.taxable, strict=True)
    ]
    priced = Priced(own, across, taxes)
    if basket.shipping is not None:
        priced.shipping = basket.shipping[side]
        priced.shipping_discount = scaled(priced.shipping, basket.shipping_percent, 100)
        priced.shipping_taxes = _taxes(basket, priced.shipping - priced.shipping_discount)
    return priced


def _taxes(basket: Basket, net: int) -> list[int]:
    if not basket.taxes_included:
        return [scaled(net, points, 10_000) for _, points, _ in basket.taxes]
    whole = sum(points for _, points, _ in basket.taxes)
    inside = net - scaled(net, 10_000, 10_000 + whole)
    return allocate(inside, [points for _, points, _ in basket.taxes])


def apply(basket: Basket, lines: list[Line], indexes: dict[str, int]) -> list[ShippingLine]:
    """Put taxes and allocations on *lines*; return the shipping line, if any.

    *indexes* says which discount application is the line's, the order's and the shipping's.
    """
    shop = price(basket, 0)
    buyer = shop if basket.currencies[0] == basket.currencies[1] else price(basket, 1)
    money = basket.currencies
    for place, line in enumerate(lines):
        for name, source in (("line", "line_discounts"), ("order", "order_discounts")):
            amounts = getattr(shop, source)[place], getattr(buyer, source)[place]
            if name in indexes and amounts != (0, 0):
                line.allocations.append(Allocation(Bag(*amounts, money), indexes[name]))
        pairs = zip(shop.taxes[place], buyer.taxes[place], strict=True)
        line.taxes = _tax_lines(basket, list(pairs))
    if basket.shipping is None:
        return []
    return [_shipping_line(basket, shop, buyer, indexes)]


def _tax_lines(basket: Basket, pairs: list[tuple[int, int]]) -> list[TaxLine]:
    return [
        TaxLine(title, rate, Bag(*pair, basket.currencies))
        for (title, _, rate), pair in zip(basket.taxes, pairs, strict=False)
    ]


def _shipping_line(
    basket: Basket, shop: Priced, buyer: Priced, indexes: dict[str, int]
) -> ShippingLine:
    money = basket.currencies
    off = Bag(shop.shipping_discount, buyer.shipping_discount, money)
    line = ShippingLine(
        id=0,
        title="Standard",
        code="STD",
        source="shopify",
        price=Bag(shop.shipping, buyer.shipping, money),
        discounted=Bag(shop.shipping - off.shop, buyer.shipping - off.presentment, money),
    )
    line.taxes = _tax_lines(
        basket, list(zip(shop.shipping_taxes, buyer.shipping_taxes, strict=True))
    )
    if "shipping" in indexes and off.shop:
        line.allocations.append(Allocation(off, indexes["shipping"]))
    return line


def percent_discount(index: int, percent: int, *, code: str | None) -> Discount:
    """A percentage across the order: by code, or automatic."""
    return Discount(
        index=index,
        kind="code" if code else "automatic",
        method="ACROSS",
        selection="ALL",
        target="LINE_ITEM",
        value_type="percentage",
        value=f"{percent}.0",
        title=code or "Seasonal sale",
        code=code,
    )
