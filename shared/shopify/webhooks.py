"""What a webhook delivery says: its topic and body as facts."""

from __future__ import annotations

from types import MappingProxyType

from shared.deliveries import Delivery
from shared.errors import Rejected
from shared.shopify.addressee import addressee, may_name_a_shop
from shared.shopify.mapping import decoded
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import rejecting
from shared.shopify.payloads import catalogue_notices, notices, order_notices, privacy, readers
from shared.shopify.payloads.notices import Reader, deletion_of
from shared.shopify.snapshots import Fact, Owner, ShopTouched

RETURNS = "request approve decline cancel close reopen process update"
FULFILLMENT_ORDERS = """
    cancellation_request_accepted cancellation_request_rejected cancellation_request_submitted
    cancelled fulfillment_request_accepted fulfillment_request_rejected
    fulfillment_request_submitted fulfillment_service_failed_to_complete hold_released
    line_items_prepared_for_local_delivery line_items_prepared_for_pickup
    manually_reported_progress_stopped merged moved order_routing_complete placed_on_hold
    progress_reported rescheduled scheduled_fulfillment_order_ready split
"""


def _below(resource: str, names: str, reader: Reader) -> dict[str, Reader]:
    return {f"{resource}/{name}": reader for name in names.split()}


_READERS: MappingProxyType[str, Reader] = MappingProxyType(
    {
        "orders/create": readers.order,
        "orders/updated": readers.order,
        "orders/paid": readers.order,
        "orders/cancelled": readers.order,
        "orders/fulfilled": readers.order,
        "orders/partially_fulfilled": readers.order,
        "orders/edited": order_notices.order_edited,
        "orders/risk_assessment_changed": order_notices.risk_assessed,
        "orders/delete": order_notices.order_deleted,
        "order_transactions/create": readers.transaction,
        "refunds/create": order_notices.order_refunded,
        **_below("returns", RETURNS, order_notices.return_touched),
        "fulfillments/create": notices.order_touched,
        "fulfillments/update": notices.order_touched,
        **_below(
            "fulfillment_orders", FULFILLMENT_ORDERS, order_notices.fulfillment_orders_touched
        ),
        "draft_orders/create": order_notices.draft_order_touched,
        "draft_orders/update": order_notices.draft_order_touched,
        "draft_orders/delete": deletion_of("draft_order"),
        "checkouts/create": order_notices.checkout_touched,
        "checkouts/update": order_notices.checkout_touched,
        "checkouts/delete": order_notices.nothing,
        "products/create": readers.product,
        "products/update": readers.product,
        "products/delete": deletion_of("product"),
        "collections/create": catalogue_notices.collection_touched,
        "collections/update": catalogue_notices.collection_touched,
        "collections/delete": deletion_of("collection"),
        "discounts/create": catalogue_notices.discount_touched,
        "discounts/update": catalogue_notices.discount_touched,
        "discounts/delete": catalogue_notices.discount_deleted,
        "discounts/redeemcode_added": catalogue_notices.discount_touched,
        "discounts/redeemcode_removed": catalogue_notices.discount_touched,
        "disputes/create": catalogue_notices.dispute,
        "disputes/update": catalogue_notices.dispute,
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
        "customers/data_request": privacy.customer_asked,
        "customers/redact": privacy.customer_asked,
        "shop/redact": privacy.shop_asked,
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
        "bulk_operations/finish": notices.bulk_finished,
        "app/scopes_update": notices.scopes_changed,
    }
)

TOPICS = frozenset(_READERS)


def facts_of(delivery: Delivery, frame: bytes | None = None) -> list[Fact]:
    """Return what *delivery* says; nothing for a topic that is not about our copy of the shop.

    *frame* is the compressed body, where somebody made it already.
    Raises Rejected: ``bad_payload`` (``details["path"]`` names the field) for a body that cannot be
    mapped, ``shop_mismatch`` for one that names another shop than the one that it was signed for.
    """
    body = delivery.body
    if not body:
        raise Rejected("the body is empty", code="bad_payload", details={"path": "$"})
    owner = Owner(tenant_id=delivery.tenant_id, shop_id=delivery.shop_id)
    if may_name_a_shop(body) and decoded(body, addressee).is_other_than(delivery.shop_domain):
        if delivery.topic != "shop/update":
            raise Rejected("the body names another shop", code="shop_mismatch")
        # Perhaps it has a new domain. The header is not signed, so nobody but Shopify can say.
        return [ShopTouched(owner=owner, reason="renamed")]
    reader = _READERS.get(delivery.topic)
    if reader is None:
        return []
    with rejecting(body):
        return reader(delivery, Origin(owner, "webhook", body, frame=frame))
