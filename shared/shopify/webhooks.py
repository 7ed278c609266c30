"""What a webhook delivery says: its topic and body as facts."""

from __future__ import annotations

from types import MappingProxyType

import msgspec

from shared.deliveries import Delivery
from shared.errors import Rejected
from shared.shopify.mapping import decoded
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import rejecting
from shared.shopify.payloads import notices, readers
from shared.shopify.payloads.notices import Reader, deletion_of
from shared.shopify.payloads.parts import Payload
from shared.shopify.snapshots import Fact, Owner


class _Domains(Payload):
    shop_domain: str | None = None
    myshopify_domain: str | None = None


_domains = msgspec.json.Decoder(_Domains)

_READERS: MappingProxyType[str, Reader] = MappingProxyType(
    {
        "orders/create": readers.order,
        "orders/updated": readers.order,
        "orders/paid": readers.order,
        "orders/cancelled": readers.order,
        "orders/fulfilled": readers.order,
        "orders/partially_fulfilled": readers.order,
        "orders/edited": notices.order_edited,
        "orders/delete": deletion_of("order"),
        "order_transactions/create": readers.transaction,
        "refunds/create": notices.order_touched,
        "fulfillments/create": notices.order_touched,
        "fulfillments/update": notices.order_touched,
        "products/create": readers.product,
        "products/update": readers.product,
        "products/delete": deletion_of("product"),
        "customers/create": readers.customer,
        "customers/update": readers.customer,
        "customers/enable": readers.customer,
        "customers/disable": readers.customer,
        "customers/delete": deletion_of("customer"),
        "customers/merge": notices.customers_merged,
        "customers/purchasing_summary": notices.customer_touched,
        "customer.tags_added": notices.customer_touched,
        "customer.tags_removed": notices.customer_touched,
        "customers_email_marketing_consent/update": notices.customer_touched,
        "customers_marketing_consent/update": notices.customer_touched,
        "inventory_items/create": readers.inventory_item,
        "inventory_items/update": readers.inventory_item,
        "inventory_items/delete": deletion_of("inventory_item"),
        "inventory_levels/connect": readers.inventory_level,
        "inventory_levels/update": readers.inventory_level,
        "inventory_levels/disconnect": notices.disconnected,
        "locations/create": readers.location,
        "locations/update": readers.location,
        "locations/activate": readers.location,
        "locations/deactivate": readers.location,
        "locations/delete": deletion_of("location"),
        "shop/update": readers.shop,
        "app/uninstalled": notices.uninstalled,
    }
)

TOPICS = frozenset(_READERS)


def facts_of(delivery: Delivery) -> list[Fact]:
    """Return what *delivery* says; nothing for a topic that is not about our copy of the shop.

    Raises Rejected: ``bad_payload`` (``details["path"]`` names the field) for a body that cannot be
    mapped, ``shop_mismatch`` for one that names another shop than the one that it was signed for.
    """
    body = delivery.body
    if not body:
        raise Rejected("the body is empty", code="bad_payload", details={"path": "$"})
    if b'shop_domain"' in body or b'myshopify_domain"' in body:
        _check_shop(delivery)
    reader = _READERS.get(delivery.topic)
    if reader is None:
        return []
    owner = Owner(tenant_id=delivery.tenant_id, shop_id=delivery.shop_id)
    with rejecting(body):
        return reader(delivery, Origin(owner, "webhook", body))


def _check_shop(delivery: Delivery) -> None:
    named = decoded(delivery.body, _domains)
    for domain in (named.shop_domain, named.myshopify_domain):
        if domain and domain.lower() != delivery.shop_domain.lower():
            raise Rejected("the body names another shop", code="shop_mismatch")
