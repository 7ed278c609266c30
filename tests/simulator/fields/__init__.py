"""What every GraphQL field answers: one table, read by graphql-core and by bulk operations.

``VALUES[type][field](thing, world)`` for fields without arguments,
``ARGUED[type][field](thing, world, arguments)`` for the few with arguments, and
``LISTS[type][field](thing, world, arguments)`` for connections: every node, unpaged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.simulator.fields import extras, goods, ledgers, orders, people, places, waiting

Value = Callable[[Any, Any], Any]
Argued = Callable[[Any, Any, dict[str, Any]], Any]
Listed = Callable[[Any, Any, dict[str, Any]], Sequence[Any]]

_MODULES = (orders, goods, people, places, ledgers, waiting, extras)


def _merged(name: str) -> dict[str, dict[str, Any]]:
    """The tables of all modules; a type may have its fields in several."""
    found: dict[str, dict[str, Any]] = {}
    for module in _MODULES:
        for kind, entries in getattr(module, name, {}).items():
            found.setdefault(kind, {}).update(entries)
    return found


VALUES: dict[str, dict[str, Value]] = _merged("VALUES")
ARGUED: dict[str, dict[str, Argued]] = _merged("ARGUED")
LISTS: dict[str, dict[str, Listed]] = _merged("LISTS")

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
    if hasattr(thing, "typename"):
        return str(thing.typename)
    if hasattr(thing, "target") and hasattr(thing, "method"):
        return _DISCOUNTS[thing.kind]
    name = type(thing).__name__
    return _NAMES.get(name, name)
