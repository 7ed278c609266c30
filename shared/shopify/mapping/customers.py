"""A customer and the address book as rows."""

from __future__ import annotations

from shared.shopify.copytext import NULL, array, flag, jsonb, optional
from shared.shopify.mapping.metafields import metafield_rows
from shared.shopify.mapping.parts import address
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import (
    Malformed,
    amount,
    currency,
    digits,
    instant,
    lowered,
    moment,
)
from shared.shopify.nodes.customers import CustomerAddressNode, CustomerHead
from shared.shopify.nodes.metafields import MetafieldNode
from shared.shopify.snapshots import Snapshot

_MOST_ORDERS = 2**63 - 1


def customer_snapshot(
    node: CustomerHead,
    addresses: list[CustomerAddressNode] | None,
    *,
    origin: Origin,
    incomplete: str = "",
    metafields: list[MetafieldNode] | None = None,
) -> Snapshot:
    """Return *node* as rows; addresses or metafields that are None say nothing about them."""
    customer_id = digits(node.id)
    key = f"{origin.key}\t{customer_id}"
    row = (key, *_person(node), *_relation(node), *origin.archive())
    children: dict[str, list[str]] = {}
    if addresses is not None:
        children["customer_addresses"] = [
            f"{key}\t{digits(one.id)}\t{jsonb(address(one))}" for one in addresses
        ]
    if metafields is not None:
        children["customer_metafields"] = metafield_rows(metafields, key)
    return Snapshot(
        owner=origin.owner,
        kind="customer",
        key=(int(customer_id),),
        updated_at=instant(node.updated_at),
        row="\t".join(row),
        children=children,
        incomplete=incomplete,
    )


def _person(node: CustomerHead) -> tuple[str, ...]:
    email, phone = node.default_email_address, node.default_phone_number
    home = node.default_address
    return (
        optional(email.email_address if email else None),
        optional(phone.phone_number if phone else None),
        optional(node.first_name),
        optional(node.last_name),
        optional(lowered(node.state)),
        flag(node.verified_email),
        flag(node.tax_exempt),
        optional(node.note),
        moment(node.created_at),
        moment(node.updated_at),
        optional(digits(home.id) if home else None),
    )


def _relation(node: CustomerHead) -> tuple[str, ...]:
    email, phone, spent = node.default_email_address, node.default_phone_number, node.amount_spent
    consent = phone.sms_marketing_consent if phone else None
    return (
        NULL if node.tags is None else array(sorted(node.tags)),
        optional(node.locale),
        optional(lowered(email.marketing_state if email else None)),
        optional(lowered(consent.state if consent else None)),
        _orders(node.number_of_orders),
        NULL if spent is None else amount(spent.amount),
        NULL if spent is None or not spent.currency_code else currency(spent.currency_code),
    )


def _orders(count: str | int | None) -> str:
    if count is None:
        return NULL
    written = str(count)
    if not (written.isascii() and written.isdigit() and int(written[:20]) <= _MOST_ORDERS):
        raise Malformed(written)
    return written
