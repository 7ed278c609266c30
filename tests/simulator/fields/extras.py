"""Collections, discounts, gift cards, payments, metafields and events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulator import extras
from tests.simulator.extra_roots import shelf_page
from tests.simulator.fields.orders import _gid, _same, _time
from tests.simulator.ids import gid
from tests.simulator.money import Money

_SUMMARY = (
    "adjustmentsFee", "adjustmentsGross", "advanceFees", "advanceGross", "chargesFee",
    "chargesGross", "refundsFee", "refundsFeeGross", "reservedFundsFee", "reservedFundsGross",
    "retriedPayoutsFee", "retriedPayoutsGross", "usdcRebateCreditAmount",
)  # fmt: skip


def _money(name: str) -> Callable[[Any, Any], Money | None]:
    def shown(thing: Any, world: Any) -> Money | None:
        minor = getattr(thing, name)
        return None if minor is None else Money(minor, world.shop.currency)

    return shown


def _part(name: str) -> Callable[[Any, Any], Money]:
    return lambda payout, world: Money(payout.parts.get(name, 0), world.shop.currency)


def _referred(shelf: str, name: str) -> Callable[[Any, Any], Any]:
    def found(thing: Any, world: Any) -> Any:
        number = getattr(thing, name)
        return None if number is None else getattr(world, shelf).get(number)

    return found


def _first_line(card: Any, world: Any) -> Any:
    order = world.orders.get(card.order_id) if card.order_id else None
    return order.lines[0] if order else None


def _metafields(kind: str) -> Callable[[Any, Any, dict[str, Any]], list[Any]]:
    return lambda owner, world, a: world.metafields.of(kind, owner, a.get("namespace"))


_TERMS: dict[str, Any] = {
    "title": _same("title"),
    "status": _same("status"),
    "createdAt": _time("created"),
    "updatedAt": _time("updated"),
    "startsAt": _time("starts"),
    "endsAt": _time("ends"),
    "discountClasses": _same("classes"),
    "asyncUsageCount": _same("usage"),
    "combinesWith": _same("combines"),
    "summary": _same("summary"),
    "totalSales": _money("sales"),
    "usageLimit": _same("limit"),
    "appliesOncePerCustomer": _same("once"),
}
VALUES: dict[str, dict[str, Any]] = {
    "Collection": {
        "id": _gid("Collection"),
        "legacyResourceId": lambda c, w: str(c.id),
        "title": _same("title"),
        "handle": _same("handle"),
        "descriptionHtml": _same("description"),
        "sortOrder": _same("sort_order"),
        "templateSuffix": _same("template"),
        "updatedAt": _time("updated"),
        "image": lambda c, w: _CollectionImage(c.image) if c.image else None,
        "productsCount": lambda c, w: (len(extras.members(c, w)), None),
        "ruleSet": lambda c, w: None if c.rules is None else c,
    },
    "CollectionRuleSet": {
        "appliedDisjunctively": _same("any_rule"),
        "rules": _same("rules"),
    },
    "CollectionRule": {
        "column": lambda rule, w: rule[0],
        "relation": lambda rule, w: rule[1],
        "condition": lambda rule, w: rule[2],
    },
    "DiscountNode": {"id": _gid("DiscountNode"), "discount": lambda d, w: extras.Terms(d)},
    "DiscountCombinesWith": {
        name: (lambda combines, w, name=name: combines[name]) for name in extras.COMBINES
    },
    "DiscountRedeemCode": {
        "id": _gid("DiscountRedeemCode"),
        "code": _same("code"),
        "asyncUsageCount": _same("uses"),
    },
    "GiftCard": {
        "id": _gid("GiftCard"),
        "lastCharacters": _same("last"),
        "enabled": lambda g, w: g.disabled is None,
        "note": _same("note"),
        "expiresOn": _same("expires"),
        "deactivatedAt": _time("disabled"),
        "createdAt": _time("created"),
        "updatedAt": _time("updated"),
        "templateSuffix": lambda g, w: None,
        "initialValue": _money("initial"),
        "balance": _money("balance"),
        "customer": _referred("customers", "customer_id"),
        "order": _referred("orders", "order_id"),
        "lineItem": _first_line,
    },
    "ShopifyPaymentsAccount": {
        "id": lambda shop, w: gid("ShopifyPaymentsAccount", shop.id),
        "activated": lambda shop, w: True,
    },
    "ShopifyPaymentsPayout": {
        "id": _gid("ShopifyPaymentsPayout"),
        "legacyResourceId": lambda p, w: str(p.id),
        "status": _same("status"),
        "transactionType": lambda p, w: "DEPOSIT",
        "issuedAt": _time("created"),
        "externalTraceId": lambda p, w: None,
        "net": _money("net"),
        "summary": lambda p, w: p,
    },
    "ShopifyPaymentsPayoutSummary": {name: _part(name) for name in _SUMMARY},
    "ShopifyPaymentsDispute": {
        "id": _gid("ShopifyPaymentsDispute"),
        "legacyResourceId": lambda d, w: str(d.id),
        "type": _same("kind"),
        "status": _same("status"),
        "initiatedAt": _time("created"),
        "evidenceDueBy": _time("due"),
        "evidenceSentOn": _time("sent"),
        "finalizedOn": _time("finalized"),
        "amount": _money("amount"),
        "reasonDetails": lambda d, w: d,
        "order": _referred("orders", "order_id"),
    },
    "ShopifyPaymentsDisputeReasonDetails": {
        "reason": _same("reason"),
        "networkReasonCode": _same("network_code"),
    },
    "ShopifyPaymentsBalanceTransaction": {
        "id": _gid("ShopifyPaymentsBalanceTransaction"),
        "type": _same("kind"),
        "test": _same("test"),
        "transactionDate": _time("created"),
        "sourceType": _same("source_type"),
        "sourceId": lambda t, w: None if t.source_id is None else str(t.source_id),
        "sourceOrderTransactionId": lambda t, w: None,
        "adjustmentReason": lambda t, w: None,
        "amount": _money("amount"),
        "fee": _money("fee"),
        "net": _money("net"),
        "associatedOrder": _referred("orders", "order_id"),
        "associatedPayout": lambda t, w: t,
    },
    "ShopifyPaymentsAssociatedOrder": {"id": _gid("Order"), "name": _same("name")},
    "ShopifyPaymentsBalanceTransactionAssociatedPayout": {
        "id": lambda t, w: gid("ShopifyPaymentsPayout", t.payout_id) if t.payout_id else None,
        "status": lambda t, w: w.payouts.get(t.payout_id).status if t.payout_id else "PENDING",
    },
    "Metafield": {
        "id": _gid("Metafield"),
        "legacyResourceId": lambda m, w: str(m.id),
        "namespace": _same("namespace"),
        "key": _same("key"),
        "type": _same("type"),
        "value": _same("value"),
        "createdAt": _time("created"),
        "updatedAt": _time("updated"),
    },
    "BasicEvent": {
        "id": _gid("BasicEvent"),
        "action": _same("action"),
        "createdAt": _time("created"),
        "appTitle": lambda e, w: None,
        "attributeToApp": lambda e, w: False,
        "attributeToUser": lambda e, w: True,
        "criticalAlert": lambda e, w: False,
        "subjectId": _same("subject_id"),
        "subjectType": _same("subject_type"),
    },
}
for _kind, _ in extras.KINDS:
    VALUES[_kind] = _TERMS

_CODES: dict[str, Any] = {"codes": lambda d, w, a: d.codes}
# Connections that are searched.
ARGUED: dict[str, dict[str, Any]] = {
    "ShopifyPaymentsAccount": {
        "payouts": lambda shop, w, a: shelf_page(w, "payouts", a),
        "disputes": lambda shop, w, a: shelf_page(w, "disputes", a),
        "balanceTransactions": lambda shop, w, a: shelf_page(w, "balance_transactions", a),
    },
}
# Added to what the other tables say of the same types.
LISTS: dict[str, dict[str, Any]] = {
    "Collection": {
        "products": lambda c, w, a: extras.members(c, w),
        "metafields": _metafields("Collection"),
    },
    "Product": {"metafields": _metafields("Product")},
    "ProductVariant": {"metafields": _metafields("ProductVariant")},
    "Customer": {"metafields": _metafields("Customer")},
    "Order": {"metafields": _metafields("Order")},
    "DiscountNode": {"metafields": lambda d, w, a: []},
    **{kind: _CODES for kind, _ in extras.KINDS if kind.startswith("DiscountCode")},
}


class _CollectionImage:
    """An image that belongs to a collection; ``Image`` reads these names."""

    alt = None
    width, height = 1200, 800
    __slots__ = ("url",)

    def __init__(self, url: str) -> None:
        self.url = url
