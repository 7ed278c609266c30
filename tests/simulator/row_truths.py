"""What is really there of what no webhook body tells whole: customers, stock, payments of orders.

Amounts are texts without needless zeros, times are UTC; ``children`` are by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.simulator.model import QUANTITY_NAMES, Order, Refund
from tests.simulator.moments import utc
from tests.simulator.money import Bag, total
from tests.simulator.office_truths import Row, _address, _shop, _short
from tests.simulator.store import Store


def _customers(store: Store) -> Iterator[Row]:
    world = store.world
    for one in world.customers:
        spent = world.spent_by(one.id)
        yield {
            "customer_id": one.id,
            "email": one.email or None,
            "phone": one.phone or None,
            "first_name": one.first_name or None,
            "last_name": one.last_name or None,
            "state": one.state.lower(),
            "verified_email": one.verified_email,
            "tax_exempt": one.tax_exempt,
            "note": one.note or None,
            "created_at": utc(one.created),
            "updated_at": utc(one.updated),
            "default_address_id": one.default_address.id if one.default_address else None,
            "tags": sorted(one.tags),
            "locale": one.locale,
            "email_marketing_state": one.email_consent.lower() if one.email else None,
            "sms_marketing_state": (one.sms_consent or "NEVER_SUBSCRIBED").lower()
            if one.phone
            else None,
            "orders_count": len(world.orders_of(one.id)),
            "total_spent": _short(spent.minor, spent.currency),
            "currency": spent.currency,
            "children": {
                "customer_addresses": [
                    {"address_id": place.id, "address": _address(place)} for place in one.addresses
                ]
            },
        }


def _levels(store: Store) -> Iterator[Row]:
    for item in store.world.items:
        for level in item.levels.values():
            yield {
                "inventory_item_id": level.item_id,
                "location_id": level.location_id,
                **{name: level.quantity(name) for name in QUANTITY_NAMES},
                "active": level.active,
                "updated_at": utc(level.updated),
            }


def _payments(store: Store) -> Iterator[Row]:
    """Of each order its transactions, and what each refund paid back."""
    for order in store.world.orders:
        yield {
            "order_id": order.id,
            "children": {
                "transactions": [
                    {
                        "transaction_id": one.id,
                        "parent_id": one.parent_id,
                        "kind": one.kind.lower(),
                        "status": one.status.lower(),
                        "gateway": one.gateway,
                        "amount": _shop(one.amount),
                        "currency": one.amount.currencies[0],
                        "error_code": one.error_code.lower() if one.error_code else None,
                        "test": one.test,
                        "created_at": utc(one.created),
                        "processed_at": utc(one.processed),
                    }
                    for one in order.transactions
                ],
                "refunds": [
                    {"refund_id": one.id, "total_refunded": _shop(_paid_back(one, order))}
                    for one in order.refunds
                ],
            },
        }


def _paid_back(refund: Refund, order: Order) -> Bag:
    settled = (one.amount for one in refund.transactions if one.status == "SUCCESS")
    return total(settled, order.currencies)


TRUTHS: dict[str, Callable[[Store], Iterator[Row]]] = {
    "customers_whole": _customers,
    "inventory_levels_whole": _levels,
    "order_payments": _payments,
}
