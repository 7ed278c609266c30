"""Which words Shopify's schema knows for our columns; writes ``shared/shopify/enums.json``.

``python -m tests.contract.enum_words admin_2026-10.json.gz``
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

from graphql import GraphQLEnumType, GraphQLSchema, build_client_schema

FILE = Path(__file__).parents[2] / "shared" / "shopify" / "enums.json"
# Column -> the type of the field that it is mapped from, and that of webhooks where it is another.
TYPES = {
    "orders.cancel_reason": "OrderCancelReason",
    "orders.financial_status": "OrderDisplayFinancialStatus",
    "refund_lines.restock_type": "RefundLineItemRestockType",
    "transactions.kind": "OrderTransactionKind",
    "transactions.status": "OrderTransactionStatus",
    "transactions.error_code": "OrderTransactionErrorCode",
    "fulfillments.status": "FulfillmentStatus",
    "products.status": "ProductStatus",
    "variants.inventory_policy": "ProductVariantInventoryPolicy",
    "customers.state": "CustomerState",
    "customers.email_marketing_state": "CustomerEmailMarketingState",
    "customers.sms_marketing_state": "CustomerMarketingConsentState CustomerSmsMarketingState",
    "order_details.return_status": "OrderReturnStatus",
    "order_details.risk_recommendation": "OrderRiskRecommendationResult",
    "sales_agreements.reason": "OrderActionType",
    "sales.action_type": "SaleActionType",
    "sales.line_type": "SaleLineType",
    "returns.status": "ReturnStatus",
    "returns.decline_reason": "ReturnDeclineReason",
    "order_risks.risk_level": "RiskAssessmentResult",
    "fulfillment_orders.status": "FulfillmentOrderStatus",
    "fulfillment_orders.request_status": "FulfillmentOrderRequestStatus",
    "fulfillment_orders.delivery_method": "DeliveryMethodType",
    "draft_orders.status": "DraftOrderStatus",
    "collections.sort_order": "CollectionSortOrder",
    "discounts.status": "DiscountStatus",
    "payouts.status": "ShopifyPaymentsPayoutStatus",
    "payouts.transaction_type": "ShopifyPaymentsPayoutTransactionType",
    "disputes.type": "DisputeType",
    "disputes.status": "DisputeStatus",
    "disputes.reason": "ShopifyPaymentsDisputeReason",
    "balance_transactions.type": "ShopifyPaymentsTransactionType",
    "balance_transactions.source_type": "ShopifyPaymentsSourceType",
    "balance_transactions.payout_status": "ShopifyPaymentsBalanceTransactionPayoutStatus",
}


def words(schema: GraphQLSchema) -> dict[str, str]:
    """Return the known words of each column, as we store them."""
    return {
        column: " ".join(
            sorted({name.lower() for kind in kinds.split() for name in _enum(schema, kind).values})
        )
        for column, kinds in sorted(TYPES.items())
    }


def _enum(schema: GraphQLSchema, name: str) -> GraphQLEnumType:
    found = schema.type_map[name]
    assert isinstance(found, GraphQLEnumType)
    return found


if __name__ == "__main__":
    introspection = json.loads(gzip.decompress(Path(sys.argv[1]).read_bytes()))
    official = build_client_schema(introspection.get("data", introspection), assume_valid=True)
    FILE.write_text(json.dumps(words(official), indent=1) + "\n")
