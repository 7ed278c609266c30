"""The shop as facts."""

from __future__ import annotations

from shared.shopify.mapping.values import currency, digits
from shared.shopify.nodes.shops import ShopNode
from shared.shopify.snapshots import Owner, ShopFacts


def shop_fact(node: ShopNode, owner: Owner) -> ShopFacts:
    """Return what we keep about the shop."""
    return ShopFacts(
        owner=owner,
        shopify_shop_id=int(digits(node.id)),
        shop_domain=node.myshopify_domain,
        name=node.name,
        email=node.email or None,
        plan=(node.plan.public_display_name if node.plan else None) or None,
        currency=currency(node.currency_code),
        iana_timezone=node.iana_timezone,
        taxes_included=node.taxes_included,
    )
