"""Shopify's own ledger of an order, which knows the day of every edit, refund and return.

An agreement (``SalesAgreement``) says when and why; its sales say what, signed. Sources: Admin API,
SaleActionType (return: a removal or return; update: a change to the price, taxes or
discounts of a prior purchase) and SaleLineType (adjustment: the difference between the value of
what was refunded and the amount refunded).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from services.analytics.domain.contributions import Contribution, Kind, Measures, total
from services.analytics.domain.days import Days
from services.analytics.domain.orders import ZERO, Agreement, OrderSnapshot, Sale

_ACTIONS = frozenset({"order", "update", "return"})
_GOODS = frozenset({"product", "gift_card"})
_BACK: Mapping[str, Kind] = MappingProxyType(
    {"shipping": "shipping_reversal", "duty": "duty_reversal"}
)
# What the order's own rows say too. Gross and discount apart: there the ledger is more exact, as it
# has Shopify's discount before taxes. Fees: those rows have none, the details have.
_CHECKED = ("units", "net_sales", "shipping", "taxes", "duties", "tips", "gift_card_sales")


def contributions(
    order: OrderSnapshot, days: Days, *, kept: Sequence[Contribution]
) -> tuple[list[Contribution], str | None]:
    """List what the agreements of *order* add, each on its day; or none, and why not.

    Their sum must be what the order amounts to by *kept*, the rows of its lines and refunds: the
    ledger is read apart from the order, and may be older.
    """
    for agreement in order.agreements:
        for sale in agreement.sales:
            if sale.action not in _ACTIONS or sale.line_type not in _MEASURES:
                return [], f"sale {sale.sale_id} is {sale.action} of {sale.line_type}"
    rows = list(_rows(order, days))
    told = total(row.measures for row in rows)
    return rows, _gap(order, told, total(row.measures for row in kept))


def _gap(order: OrderSnapshot, told: Measures, kept: Measures) -> str | None:
    differing = [
        f"{name} {getattr(told, name)} by agreements, {getattr(kept, name)} by the order"
        for name in _CHECKED
        if getattr(told, name) != getattr(kept, name)
    ]
    fees = sum(
        (
            sale.total - sale.tax
            for agreement in order.agreements
            for sale in agreement.sales
            if sale.line_type == "additional_fee"
        ),
        ZERO,
    )
    if order.fees is not None and fees != order.fees:
        differing.append(f"additional fees {fees} by agreements, {order.fees} by the order")
    return "; ".join(differing) or None


def _rows(order: OrderSnapshot, days: Days) -> Iterator[Contribution]:
    # What was ordered keeps the keys and the time that it has without agreements: most orders are
    # never edited, and theirs arrive when the order is counted already.
    ordered = sorted(order.agreements, key=lambda one: (one.happened_at, one.agreement_id))
    placing = next((one for one in ordered if one.reason == "order"), None)
    yield from _placed(order, days, placing.sales if placing else ())
    lines = {line.line_id: line for line in order.lines}
    for agreement in ordered:
        for sale in agreement.sales if agreement is not placing else ():
            ckey = f"s:{agreement.agreement_id}:{sale.sale_id}"
            line = lines.get(sale.line_id) if sale.line_id is not None else None
            kind = _kind(sale, agreement)
            yield days.row(ckey, kind, agreement.happened_at, measures(sale), line)


def _placed(order: OrderSnapshot, days: Days, sales: Sequence[Sale]) -> Iterator[Contribution]:
    lines = {line.line_id: line for line in order.lines}
    parts: dict[int | None, list[Measures]] = defaultdict(list)
    for sale in sales:
        known = sale.line_id if sale.line_id in lines else None
        parts[known].append(measures(sale))
    rest = total(parts.pop(None, ()))._replace(orders=1 if lines else 0)
    yield days.row("o", "order", order.processed_at, rest)
    for line_id, line in lines.items():
        if line_id in parts:
            kind: Kind = "gift_card" if line.gift_card else "sale"
            sold = total(parts[line_id])
            yield days.row(f"l:{line_id}", kind, order.processed_at, sold, line)


def _kind(sale: Sale, agreement: Agreement) -> Kind:
    back = sale.action == "return"
    if sale.line_type == "adjustment":
        return "adjustment"
    if sale.line_type not in _GOODS:
        return _BACK.get(sale.line_type, "charge") if back else "charge"
    if back:
        return "removal" if agreement.reason == "order_edit" else "refund"
    return "gift_card" if sale.line_type == "gift_card" else "sale"


def measures(sale: Sale) -> Measures:
    """Return what one sale adds, without its tax."""
    return _MEASURES[sale.line_type](sale, sale.total - sale.tax)


def _product(sale: Sale, net: Decimal) -> Measures:
    gross = net + sale.discount
    if sale.action == "return":
        return Measures(
            units=sale.quantity,
            gross_reversals=-gross,
            discount_reversals=-sale.discount,
            taxes=sale.tax,
        )
    return Measures(
        units=0 if sale.action == "update" else sale.quantity,
        gross_sales=gross,
        discounts=sale.discount,
        taxes=sale.tax,
    )


_MEASURES: Mapping[str, Callable[[Sale, Decimal], Measures]] = MappingProxyType(
    {
        "product": _product,
        "gift_card": lambda sale, net: Measures(gift_card_sales=net, taxes=sale.tax),
        "shipping": lambda sale, net: Measures(shipping=net, taxes=sale.tax),
        "tip": lambda sale, net: Measures(tips=net, taxes=sale.tax),
        "duty": lambda sale, net: Measures(duties=net, taxes=sale.tax),
        "adjustment": lambda sale, net: Measures(adjustments=-net, taxes=sale.tax),
        "additional_fee": lambda sale, net: Measures(additional_fees=net, taxes=sale.tax),
        "fee": lambda sale, net: Measures(additional_fees=net, taxes=sale.tax),
    }
)
