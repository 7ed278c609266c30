"""The synced tables' columns, in the order in which mapped rows carry them.

A row is one line of PostgreSQL's text COPY format without its line end: columns by tab, ``\\N`` for
null. Columns that the writer adds itself (synced_at, deleted_at) are not part of a row.
"""

from __future__ import annotations

from types import MappingProxyType


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _table(identity: str, others: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    keys = _names(identity)
    return keys, ("tenant_id", "shop_id", *keys, *_names(others))


# Table -> what identifies a row within its shop, and its other columns.
_TABLES = {
    "orders": _table(
        "order_id",
        """
        name confirmation_number email phone customer_id created_at processed_at updated_at
        cancelled_at cancel_reason closed_at financial_status fulfillment_status currency
        presentment_currency taxes_included duties_included estimated_taxes test confirmed
        source_name app_id po_number note tags customer_locale payment_gateway_names
        subtotal_price total_discounts total_shipping total_tax total_duties total_tip
        total_price current_subtotal_price current_total_discounts current_total_tax
        current_total_price total_outstanding presentment_subtotal_price
        presentment_total_discounts presentment_total_shipping presentment_total_tax
        presentment_total_price presentment_current_total_price billing_address shipping_address
        attributes tax_lines shipping_lines discount_applications raw source
        """,
    ),
    "order_lines": _table(
        "order_id line_id",
        """
        position product_id variant_id sku title variant_title vendor quantity current_quantity
        price presentment_price discount tax duty gift_card requires_shipping taxable attributes
        tax_lines discount_allocations duties
        """,
    ),
    "refunds": _table(
        "order_id refund_id",
        """
        created_at processed_at note total_refunded adjustments shipping duties
        """,
    ),
    "refund_lines": _table(
        "order_id refund_id refund_line_id",
        """
        line_id quantity restock_type location_id subtotal total_tax presentment_subtotal
        presentment_total_tax
        """,
    ),
    "transactions": _table(
        "order_id transaction_id",
        """
        parent_id kind status gateway amount currency error_code test created_at processed_at
        """,
    ),
    "fulfillments": _table(
        "order_id fulfillment_id",
        """
        name status location_id total_quantity tracking created_at updated_at
        """,
    ),
    "products": _table(
        "product_id",
        """
        title handle status vendor product_type tags description_html created_at updated_at
        published_at options media raw source
        """,
    ),
    "variants": _table(
        "product_id variant_id",
        """
        position title sku barcode price compare_at_price taxable inventory_policy
        inventory_item_id inventory_quantity options created_at updated_at
        """,
    ),
    "customers": _table(
        "customer_id",
        """
        email phone first_name last_name state verified_email tax_exempt note created_at
        updated_at default_address_id tags locale email_marketing_state sms_marketing_state
        orders_count total_spent currency raw source
        """,
    ),
    "customer_addresses": _table("customer_id address_id", "address"),
    "locations": _table("location_id", "name active address created_at updated_at raw source"),
    "inventory_items": _table(
        "inventory_item_id",
        """
        sku tracked requires_shipping unit_cost country_code_of_origin province_code_of_origin
        harmonized_system_code created_at updated_at raw source
        """,
    ),
    "inventory_levels": _table(
        "inventory_item_id location_id",
        """
        available on_hand committed incoming reserved damaged quality_control safety_stock
        active updated_at source
        """,
    ),
    "product_metafields": _table(
        "product_id metafield_id",
        """
        namespace key type value created_at updated_at
        """,
    ),
    "variant_metafields": _table(
        "product_id variant_id metafield_id",
        """
        namespace key type value created_at updated_at
        """,
    ),
    "customer_metafields": _table(
        "customer_id metafield_id",
        """
        namespace key type value created_at updated_at
        """,
    ),
    "order_details": _table(
        "order_id",
        """
        edited app_name channel channel_name return_status risk_recommendation total_refunded
        total_received net_payment current_total_duties current_total_additional_fees updated_at
        raw source
        """,
    ),
    "sales_agreements": _table("order_id agreement_id", "happened_at reason app_id"),
    "sales": _table(
        "order_id agreement_id sale_id",
        """
        action_type line_type line_id shipping_line_id quantity total discount_before_taxes
        discount_after_taxes tax presentment_total presentment_tax
        """,
    ),
    "returns": _table(
        "order_id return_id",
        """
        name status total_quantity decline_reason created_at closed_at request_approved_at
        """,
    ),
    "return_lines": _table(
        "order_id return_id return_line_id",
        """
        line_id quantity processed_quantity refundable_quantity refunded_quantity reason
        reason_note customer_note total
        """,
    ),
    "order_risks": _table("order_id position", "provider_id provider_name risk_level facts"),
    "order_metafields": _table(
        "order_id metafield_id",
        """
        namespace key type value created_at updated_at
        """,
    ),
    "fulfillment_orders": _table(
        "fulfillment_order_id",
        """
        order_id status request_status location_id location_name delivery_method destination
        holds supported_actions fulfill_at fulfill_by created_at updated_at raw source
        """,
    ),
    "fulfillment_order_lines": _table(
        "fulfillment_order_id fulfillment_order_line_id",
        """
        line_id variant_id inventory_item_id sku title total_quantity remaining_quantity
        requires_shipping
        """,
    ),
    "draft_orders": _table(
        "draft_order_id",
        """
        name status customer_id order_id email phone currency presentment_currency
        taxes_included tax_exempt subtotal_price total_discounts total_shipping total_tax
        total_price presentment_total_price discount_codes tags note po_number invoice_url
        invoice_sent_at completed_at applied_discount shipping_line billing_address
        shipping_address attributes tax_lines created_at updated_at raw source
        """,
    ),
    "draft_order_lines": _table(
        "draft_order_id line_id",
        """
        position product_id variant_id sku title variant_title vendor quantity price
        discounted_total custom gift_card requires_shipping taxable attributes tax_lines
        """,
    ),
    "abandoned_checkouts": _table(
        "checkout_id",
        """
        name customer_id url currency presentment_currency taxes_included line_items_price
        subtotal_price total_discounts total_duties total_tax total_price
        presentment_total_price discount_codes note billing_address shipping_address attributes
        tax_lines completed_at created_at updated_at raw source
        """,
    ),
    "abandoned_checkout_lines": _table(
        "checkout_id position",
        """
        product_id variant_id sku title variant_title quantity price discounted_total attributes
        """,
    ),
    "collections": _table(
        "collection_id",
        """
        title handle collection_type description_html sort_order rules image template_suffix
        products_count updated_at raw source
        """,
    ),
    "collection_products": _table("collection_id product_id", "position"),
    "collection_metafields": _table(
        "collection_id metafield_id",
        """
        namespace key type value created_at updated_at
        """,
    ),
    "discounts": _table(
        "discount_id",
        """
        type method title status summary discount_classes combines_with usage_count usage_limit
        applies_once_per_customer total_sales currency starts_at ends_at created_at updated_at
        raw source
        """,
    ),
    "discount_codes": _table("discount_id code_id", "code usage_count"),
    "gift_cards": _table(
        "gift_card_id",
        """
        last_characters customer_id order_id line_id currency initial_value balance enabled note
        expires_on deactivated_at created_at updated_at raw source
        """,
    ),
    "payouts": _table(
        "payout_id",
        """
        status transaction_type currency net summary issued_at updated_at raw source
        """,
    ),
    "disputes": _table(
        "dispute_id",
        """
        order_id type status reason network_reason_code currency amount initiated_at
        evidence_due_by evidence_sent_on finalized_on updated_at raw source
        """,
    ),
    "balance_transactions": _table(
        "balance_transaction_id",
        """
        type test currency amount fee net source_type source_id source_order_transaction_id
        order_id payout_id payout_status transaction_date updated_at raw source
        """,
    ),
}
COLUMNS = MappingProxyType({table: columns for table, (_, columns) in _TABLES.items()})
# What identifies a row within its shop.
KEYS = MappingProxyType({table: keys for table, (keys, _) in _TABLES.items()})

# Children that change while the updated_at of their parent stays, also as webhooks tell them.
UNANNOUNCED = frozenset(
    _names(
        "collection_products collection_metafields customer_metafields discount_codes"
        " order_metafields product_metafields variant_metafields"
    )
)

# Kind -> its own table, and the tables of its children, which are replaced as a set.
TABLES: MappingProxyType[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "order": (
            "orders",
            _names("order_lines refunds refund_lines transactions fulfillments order_metafields"),
        ),
        "product": ("products", ("variants", "product_metafields", "variant_metafields")),
        "customer": ("customers", ("customer_addresses", "customer_metafields")),
        "location": ("locations", ()),
        "inventory_item": ("inventory_items", ()),
        "inventory_level": ("inventory_levels", ()),
        "order_details": (
            "order_details",
            ("sales_agreements", "sales", "returns", "return_lines", "order_risks"),
        ),
        "fulfillment_order": ("fulfillment_orders", ("fulfillment_order_lines",)),
        "draft_order": ("draft_orders", ("draft_order_lines",)),
        "abandoned_checkout": ("abandoned_checkouts", ("abandoned_checkout_lines",)),
        "collection": ("collections", ("collection_products", "collection_metafields")),
        "discount": ("discounts", ("discount_codes",)),
        "gift_card": ("gift_cards", ()),
        "payout": ("payouts", ()),
        "dispute": ("disputes", ()),
        "balance_transaction": ("balance_transactions", ()),
    }
)
