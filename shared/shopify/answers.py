"""What the documents that ask for the rest of a connection answer."""

from __future__ import annotations

import msgspec

from shared.shopify.nodes import Page
from shared.shopify.nodes.checkouts import CheckoutLineNode
from shared.shopify.nodes.customers import CustomerAddressNode
from shared.shopify.nodes.discounts import DiscountOwner
from shared.shopify.nodes.drafts import DraftLineNode
from shared.shopify.nodes.fulfillment_orders import FulfillmentOrderLineNode
from shared.shopify.nodes.inventory import LevelNode
from shared.shopify.nodes.metafields import MetafieldsNode
from shared.shopify.nodes.order_details import (
    AgreementNode,
    ReturnLineNode,
    ReturnsNode,
    SaleNode,
)
from shared.shopify.nodes.orders import (
    AdjustmentNode,
    DiscountNode,
    LineNode,
    RefundLineNode,
    RefundShippingNode,
    ShippingLineNode,
)
from shared.shopify.nodes.parts import Node, Reference
from shared.shopify.nodes.products import MediaNode, VariantNode


class OrderPages(Node):
    line_items: Page[LineNode]
    shipping_lines: Page[ShippingLineNode]
    discount_applications: Page[DiscountNode]


class OrderAnswer(Node):
    order: OrderPages | None = None


class RefundPages(Node):
    refund_line_items: Page[RefundLineNode]
    order_adjustments: Page[AdjustmentNode]
    refund_shipping_lines: Page[RefundShippingNode]


class RefundAnswer(Node):
    refund: RefundPages | None = None


class ProductPages(Node):
    variants: Page[VariantNode]
    media: Page[MediaNode]


class ProductAnswer(Node):
    product: ProductPages | None = None


class CustomerPages(Node):
    addresses_v2: Page[CustomerAddressNode]


class CustomerAnswer(Node):
    customer: CustomerPages | None = None


class ItemPages(Node):
    inventory_levels: Page[LevelNode]


class ItemAnswer(Node):
    inventory_item: ItemPages | None = None


class DetailsPages(Node):
    agreements: Page[AgreementNode]


class DetailsAnswer(Node):
    order: DetailsPages | None = None


class ReturnsAnswer(Node):
    order: ReturnsNode | None = None


class SalesPage(Node):
    sales: Page[SaleNode]


class AgreementPages(Node):
    agreements: Page[SalesPage]


class AgreementAnswer(Node):
    order: AgreementPages | None = None


class ReturnPages(Node):
    return_line_items: Page[ReturnLineNode]


class ReturnAnswer(Node):
    made: ReturnPages | None = msgspec.field(name="return", default=None)


class FulfillmentPages(Node):
    line_items: Page[FulfillmentOrderLineNode]


class FulfillmentAnswer(Node):
    fulfillment_order: FulfillmentPages | None = None


class DraftPages(Node):
    line_items: Page[DraftLineNode]


class DraftAnswer(Node):
    draft_order: DraftPages | None = None


class CheckoutPages(Node):
    line_items: Page[CheckoutLineNode]


class CheckoutAnswer(Node):
    node: CheckoutPages | None = None


class CollectionPages(Node):
    products: Page[Reference]


class CollectionAnswer(Node):
    collection: CollectionPages | None = None


class DiscountAnswer(Node):
    discount_node: DiscountOwner | None = None


class MetafieldsAnswer(Node):
    node: MetafieldsNode | None = None
