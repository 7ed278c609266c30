"""The lines of order details, fulfilment orders, draft orders and checkouts, joined.

Shapes and their order are those of ``assemblies.Assembly``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from types import MappingProxyType

import msgspec

from shared.shopify.bulk_lines import name_of, parent_of, type_of
from shared.shopify.mapping.checkouts import abandoned_checkout_snapshot
from shared.shopify.mapping.drafts import draft_order_snapshot
from shared.shopify.mapping.fulfillment_orders import fulfillment_order_snapshot
from shared.shopify.mapping.order_details import Ledger, order_details_snapshot
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.nodes.checkouts import AbandonedCheckoutHead, CheckoutLineNode
from shared.shopify.nodes.drafts import DraftLineNode, DraftOrderHead
from shared.shopify.nodes.fulfillment_orders import FulfillmentOrderHead, FulfillmentOrderLineNode
from shared.shopify.nodes.order_details import (
    AgreementHead,
    OrderDetailsHead,
    ReturnHead,
    ReturnLineNode,
    SaleNode,
)
from shared.shopify.snapshots import Kind, Snapshot

_details = msgspec.json.Decoder(OrderDetailsHead)
_agreement = msgspec.json.Decoder(AgreementHead)
_sale = msgspec.json.Decoder(SaleNode)
_return = msgspec.json.Decoder(ReturnHead)
_return_line = msgspec.json.Decoder(ReturnLineNode)
_fulfillment_order = msgspec.json.Decoder(FulfillmentOrderHead)
_fulfillment_line = msgspec.json.Decoder(FulfillmentOrderLineNode)
_draft = msgspec.json.Decoder(DraftOrderHead)
_draft_line = msgspec.json.Decoder(DraftLineNode)
_checkout = msgspec.json.Decoder(AbandonedCheckoutHead)
_checkout_line = msgspec.json.Decoder(CheckoutLineNode)


def _order_details(lines: list[bytes], origin: Origin) -> list[Snapshot]:
    # The members of Sale and SalesAgreement are many and may become more; their names end alike.
    agreements: list[bytes] = []
    returns: list[bytes] = []
    sales: dict[bytes | None, list[SaleNode]] = defaultdict(list)
    returned: dict[bytes | None, list[ReturnLineNode]] = defaultdict(list)
    for line in lines[1:]:
        kind = type_of(line)
        if kind.endswith(b"Agreement"):
            agreements.append(line)
        elif kind.endswith(b"Sale"):
            sales[parent_of(line)].append(_sale.decode(line))
        elif kind == b"Return":
            returns.append(line)
        elif kind.endswith(b"ReturnLineItem"):
            returned[parent_of(line)].append(_return_line.decode(line))
    node = _details.decode(lines[0])
    made = [(_return.decode(one), returned[name_of(one)]) for one in returns]
    ledger = Ledger(
        agreements=[(_agreement.decode(one), sales[name_of(one)]) for one in agreements],
        returns=None if node.return_status is None else made,
    )
    return [order_details_snapshot(node, ledger, origin=origin)]


def _fulfillment_orders(lines: list[bytes], origin: Origin) -> list[Snapshot]:
    root, *below = lines
    sent = [_fulfillment_line.decode(line) for line in below]
    return [fulfillment_order_snapshot(_fulfillment_order.decode(root), sent, origin=origin)]


def _draft_orders(lines: list[bytes], origin: Origin) -> list[Snapshot]:
    root, *below = lines
    wanted = [_draft_line.decode(line) for line in below]
    return [draft_order_snapshot(_draft.decode(root), wanted, origin=origin)]


def _checkouts(lines: list[bytes], origin: Origin) -> list[Snapshot]:
    root, *below = lines
    left = [_checkout_line.decode(line) for line in below]
    return [abandoned_checkout_snapshot(_checkout.decode(root), left, origin=origin)]


ORDER_RESOURCES: MappingProxyType[Kind, Callable[[list[bytes], Origin], list[Snapshot]]] = (
    MappingProxyType(
        {
            "order_details": _order_details,
            "fulfillment_order": _fulfillment_orders,
            "draft_order": _draft_orders,
            "abandoned_checkout": _checkouts,
        }
    )
)
