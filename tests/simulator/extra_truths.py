"""What is really there of collections, discounts, gift cards, payments and metafields.

Amounts are texts without needless zeros, times are UTC; ``children`` are by name, each with what
tells it apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.simulator import extras
from tests.simulator.moments import utc
from tests.simulator.money import plain
from tests.simulator.store import Store

Row = dict[str, Any]


def _amount(minor: int, world: Any) -> str:
    text = plain(minor, world.shop.currency)
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _collections(store: Store) -> Iterator[Row]:
    world = store.world
    for one in world.collections:
        found = extras.members(one, world)
        yield {
            "collection_id": one.id,
            "title": one.title,
            "handle": one.handle,
            "collection_type": "custom" if one.rules is None else "smart",
            "description_html": one.description or None,
            "sort_order": one.sort_order.lower(),
            "rules": None
            if one.rules is None
            else {
                "applied_disjunctively": one.any_rule,
                "rules": [
                    {"column": a.lower(), "relation": b.lower(), "condition": c}
                    for a, b, c in one.rules
                ],
            },
            "image": None
            if one.image is None
            else {"url": one.image, "alt": None, "width": 1200, "height": 800},
            "template_suffix": one.template,
            "products_count": len(found),
            "updated_at": utc(one.updated),
            "children": {
                "collection_products": [
                    {"product_id": product.id, "position": place}
                    for place, product in enumerate(found, start=1)
                ]
            },
        }


def _discounts(store: Store) -> Iterator[Row]:
    world = store.world
    for one in world.discounts:
        sold = one.sales is not None and one.by_code
        yield {
            "discount_id": one.id,
            "type": _snake(one.kind.removeprefix("DiscountCode").removeprefix("DiscountAutomatic")),
            "method": "code" if one.by_code else "automatic",
            "title": one.title,
            "status": one.status.lower(),
            "summary": None if one.kind.endswith("App") else one.summary,
            "discount_classes": sorted(name.lower() for name in one.classes),
            "combines_with": {_snake(name): value for name, value in one.combines.items()},
            "usage_count": one.usage,
            "usage_limit": one.limit if one.by_code else None,
            "applies_once_per_customer": one.once if one.by_code else None,
            "total_sales": _amount(one.sales, world) if sold else None,
            "currency": world.shop.currency if sold else None,
            "starts_at": utc(one.starts),
            "ends_at": utc(one.ends),
            "created_at": utc(one.created),
            "updated_at": utc(one.updated),
            "children": {
                "discount_codes": [
                    {"code_id": code.id, "code": code.code, "usage_count": code.uses}
                    for code in one.codes
                ]
            },
        }


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _gift_cards(store: Store) -> Iterator[Row]:
    world = store.world
    for one in world.gift_cards:
        order = world.orders.get(one.order_id) if one.order_id else None
        customer = world.customers.get(one.customer_id) if one.customer_id else None
        yield {
            "gift_card_id": one.id,
            "last_characters": one.last,
            "customer_id": customer.id if customer else None,
            "order_id": order.id if order else None,
            "line_id": order.lines[0].id if order else None,
            "currency": world.shop.currency,
            "initial_value": _amount(one.initial, world),
            "balance": _amount(one.balance, world),
            "enabled": one.disabled is None,
            "note": one.note,
            "expires_on": one.expires,
            "deactivated_at": utc(one.disabled),
            "created_at": utc(one.created),
            "updated_at": utc(one.updated),
        }


_SUMMARY = (
    "adjustments_fee", "adjustments_gross", "advance_fees", "advance_gross", "charges_fee",
    "charges_gross", "refunds_fee", "refunds_fee_gross", "reserved_funds_fee",
    "reserved_funds_gross", "retried_payouts_fee", "retried_payouts_gross",
    "usdc_rebate_credit_amount",
)  # fmt: skip


def _payouts(store: Store) -> Iterator[Row]:
    world = store.world
    for one in world.payouts:
        parts = {_snake(name): _amount(minor, world) for name, minor in one.parts.items()}
        yield {
            "payout_id": one.id,
            "status": one.status.lower(),
            "transaction_type": "deposit",
            "currency": world.shop.currency,
            "net": _amount(one.net, world),
            "summary": dict.fromkeys(_SUMMARY, "0") | parts,
            "issued_at": utc(one.created),
        }


def _disputes(store: Store) -> Iterator[Row]:
    world = store.world
    for one in world.disputes:
        order = world.orders.get(one.order_id) if one.order_id else None
        yield {
            "dispute_id": one.id,
            "order_id": order.id if order else None,
            "type": one.kind.lower(),
            "status": one.status.lower(),
            "reason": one.reason.lower(),
            "network_reason_code": one.network_code,
            "currency": world.shop.currency,
            "amount": _amount(one.amount, world),
            "initiated_at": utc(one.created),
            "evidence_due_by": utc(one.due),
            "evidence_sent_on": utc(one.sent),
            "finalized_on": utc(one.finalized),
        }


def _balance_transactions(store: Store) -> Iterator[Row]:
    world = store.world
    for one in world.balance_transactions:
        order = world.orders.get(one.order_id) if one.order_id else None
        payout = world.payouts.get(one.payout_id) if one.payout_id else None
        yield {
            "balance_transaction_id": one.id,
            "type": one.kind.lower(),
            "test": one.test,
            "currency": world.shop.currency,
            "amount": _amount(one.amount, world),
            "fee": _amount(one.fee, world),
            "net": _amount(one.net, world),
            "source_type": one.source_type.lower() if one.source_type else None,
            "source_id": one.source_id,
            "source_order_transaction_id": None,
            "order_id": order.id if order else None,
            "payout_id": one.payout_id,
            "payout_status": payout.status.lower() if payout else "pending",
            "transaction_date": utc(one.created),
        }


def _metafields(store: Store) -> Iterator[Row]:
    """Every metafield of whatever owns some, in all namespaces."""
    world = store.world
    owners = [("Product", one, {"product_id": one.id}) for one in world.products]
    owners += [
        ("ProductVariant", one, {"product_id": product.id, "variant_id": one.id})
        for product in world.products
        for one in product.variants
    ]
    owners += [("Customer", one, {"customer_id": one.id}) for one in world.customers]
    owners += [("Order", one, {"order_id": one.id}) for one in world.orders]
    owners += [("Collection", one, {"collection_id": one.id}) for one in world.collections]
    for kind, owner, key in owners:
        for one in world.metafields.of(kind, owner):
            yield {
                "owner": kind,
                **key,
                "metafield_id": one.id,
                "namespace": one.namespace,
                "key": one.key,
                "type": one.type,
                "value": one.value,
                "created_at": utc(one.created),
                "updated_at": utc(one.updated),
            }


TRUTHS: dict[str, Callable[[Store], Iterator[Row]]] = {
    "collections": _collections,
    "discounts": _discounts,
    "gift_cards": _gift_cards,
    "payouts": _payouts,
    "disputes": _disputes,
    "balance_transactions": _balance_transactions,
    "metafields": _metafields,
}
