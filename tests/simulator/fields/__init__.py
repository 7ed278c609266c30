"""What every GraphQL field answers: one table, read by graphql-core and by bulk operations.

``VALUES[type][field](thing, world)`` for fields without arguments,
``ARGUED[type][field](thing, world, arguments)`` for the few with arguments, and
``LISTS[type][field](thing, world, arguments)`` for connections: every node, unpaged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.simulator.fields import goods, orders, people, places

Value = Callable[[Any, Any], Any]
Argued = Callable[[Any, Any, dict[str, Any]], Any]
Listed = Callable[[Any, Any, dict[str, Any]], Sequence[Any]]

VALUES: dict[str, dict[str, Value]] = {
    **orders.VALUES,
    **goods.VALUES,
    **people.VALUES,
    **places.VALUES,
}
ARGUED: dict[str, dict[str, Argued]] = {**goods.ARGUED, **people.ARGUED, **orders.ARGUED}
LISTS: dict[str, dict[str, Listed]] = {
    **orders.LISTS,
    **goods.LISTS,
    **people.LISTS,
    **places.LISTS,
}

_DISCOUNTS = {
    "code": "DiscountCodeApplication",
    "automatic": "AutomaticDiscountApplication",
    "manual": "ManualDiscountApplication",
    "script": "ScriptDiscountApplication",
}
_NAMES = {
    "Media": "MediaImage",
    "Money": "MoneyV2",
    "float": "PricingPercentageValue",
    "Variant": "ProductVariant",
    "Level": "InventoryLevel",
    "Transaction": "OrderTransaction",
    "Address": "MailingAddress",
    "Line": "LineItem",
    "Option": "ProductOption",
    "Subscription": "WebhookSubscription",
    "Operation": "BulkOperation",
    "Adjustment": "OrderAdjustment",
}


def typename(thing: Any) -> str:
    """The GraphQL object type of *thing*."""
    if hasattr(thing, "target") and hasattr(thing, "method"):
        return _DISCOUNTS[thing.kind]
    name = type(thing).__name__
    return _NAMES.get(name, name)
