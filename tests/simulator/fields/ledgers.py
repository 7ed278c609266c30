"""An order's agreements, sales, returns and risk."""

from __future__ import annotations

from typing import Any

from tests.simulator import agreements, moments, returning
from tests.simulator.ids import gid
from tests.simulator.model import Order
from tests.simulator.order_parts import Return, ReturnLine

_APPS = {580111: "Online Store", 129785: "Point of Sale"}
_CHANNELS = {"web": "Online Store", "pos": "Point of Sale", "shopify_draft_order": "Draft Orders"}


class _App:
    """An app, of which only number and title are known."""

    __slots__ = ("id", "title")
    typename = "App"

    def __init__(self, number: int, title: str) -> None:
        self.id, self.title = number, title


def app_name(order: Order) -> str:
    return _APPS.get(order.app_id or 0, "Another app")


def channel(order: Order) -> tuple[str, str] | None:
    """Handle and name of where the order came from."""
    name = _CHANNELS.get(order.source_name)
    return (order.source_name, name) if name else None


def order_of(made: Return, world: Any) -> Any:
    return world.orders.get(made.order_id)


def _line(one: ReturnLine, world: Any) -> Any:
    sequence = world.ids.parent("ReturnLineItem", one.id)
    order = world.orders.get(world.ids.of("Order", sequence))
    return next(line for line in order.lines if line.id == one.line_id)


def _provider(one: Any, world: Any) -> _App | None:
    return _App(*one.provider) if one.provider else None


_SALE: dict[str, Any] = {
    "id": lambda s, w: gid("Sale", s.id),
    "actionType": lambda s, w: s.action,
    "lineType": lambda s, w: s.line_type,
    "quantity": lambda s, w: s.quantity,
    "taxes": lambda s, w: [],
    "totalAmount": lambda s, w: s.total,
    "totalDiscountAmountAfterTaxes": lambda s, w: s.discount,
    "totalDiscountAmountBeforeTaxes": lambda s, w: s.discount_before_taxes,
    "totalTaxAmount": lambda s, w: s.tax,
    "lineItem": lambda s, w: s.line,
    "shippingLine": lambda s, w: s.shipping_line,
    "duty": lambda s, w: s.duty,
}
_AGREEMENT: dict[str, Any] = {
    "id": lambda a, w: gid("SalesAgreement", a.id),
    "happenedAt": lambda a, w: moments.utc(a.at),
    "reason": lambda a, w: a.reason,
    "app": lambda a, w: _App(a.app_id, _APPS.get(a.app_id, "Another app")) if a.app_id else None,
}
_AGREEMENTS = ("OrderAgreement", "OrderEditAgreement", "RefundAgreement", "ReturnAgreement")
_SALES = (
    "ProductSale",
    "GiftCardSale",
    "ShippingLineSale",
    "TipSale",
    "DutySale",
    "AdjustmentSale",
)

VALUES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(_SALES, _SALE),
    **dict.fromkeys(_AGREEMENTS, _AGREEMENT),
    "Order": {
        "attribution": lambda o, w: channel(o),
        "returnStatus": lambda o, w: returning.return_status(o),
        "risk": lambda o, w: o,
        "currentTotalAdditionalFeesSet": lambda o, w: None,
    },
    "App": {"id": lambda a, w: gid("App", a.id), "title": lambda a, w: a.title},
    "OrderApp": {
        "id": lambda o, w: gid("App", o.app_id),
        "name": lambda o, w: app_name(o),
    },
    "OrderAttribution": {
        "handle": lambda pair, w: pair[0],
        "displayName": lambda pair, w: pair[1],
    },
    "OrderRiskSummary": {
        "recommendation": lambda o, w: agreements.recommendation(o),
        "assessments": lambda o, w: agreements.assessments_of(o),
    },
    "OrderRiskAssessment": {
        "riskLevel": lambda one, w: one.level,
        "facts": lambda one, w: one.facts,
        "provider": _provider,
    },
    "RiskFact": {
        "description": lambda pair, w: pair[0],
        "sentiment": lambda pair, w: pair[1],
    },
    "Return": {
        "id": lambda r, w: gid("Return", r.id),
        "name": lambda r, w: r.name,
        "status": lambda r, w: r.status,
        "totalQuantity": lambda r, w: sum(one.quantity for one in r.lines),
        "createdAt": lambda r, w: moments.utc(r.created),
        "closedAt": lambda r, w: moments.utc(r.closed),
        "requestApprovedAt": lambda r, w: moments.utc(r.approved),
        "decline": lambda r, w: r if r.decline_reason else None,
        "order": order_of,
    },
    "ReturnDecline": {
        "reason": lambda r, w: r.decline_reason,
        "note": lambda r, w: None,
    },
    "ReturnLineItem": {
        "id": lambda x, w: gid("ReturnLineItem", x.id),
        "quantity": lambda x, w: x.quantity,
        "processableQuantity": lambda x, w: x.quantity - x.refunded,
        "processedQuantity": lambda x, w: x.refunded,
        "refundableQuantity": lambda x, w: x.quantity - x.refunded,
        "refundedQuantity": lambda x, w: x.refunded,
        "unprocessedQuantity": lambda x, w: x.quantity - x.refunded,
        "returnReasonNote": lambda x, w: x.note,
        "customerNote": lambda x, w: x.customer_note,
        "returnReasonDefinition": lambda x, w: x.reason,
        "withCodeDiscountedTotalPriceSet": lambda x, w: x.worth,
        "fulfillmentLineItem": lambda x, w: x,
    },
    "ReturnReasonDefinition": {
        "id": lambda text, w: gid("ReturnReasonDefinition", 1 + returning.REASONS.index(text)),
        "handle": lambda text, w: text,
        "name": lambda text, w: text.replace("-", " ").capitalize(),
        "deleted": lambda text, w: False,
    },
    "FulfillmentLineItem": {
        "id": lambda x, w: gid("FulfillmentLineItem", x.id),
        "quantity": lambda x, w: x.quantity,
        "lineItem": _line,
    },
}
LISTS: dict[str, dict[str, Any]] = {
    "Order": {
        "agreements": lambda o, w, a: agreements.agreements_of(o, w.ids),
        "returns": lambda o, w, a: o.returns,
    },
    "Return": {"returnLineItems": lambda r, w, a: r.lines},
    **{name: {"sales": lambda a, w, _: a.sales} for name in _AGREEMENTS},
}
