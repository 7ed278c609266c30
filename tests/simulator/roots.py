"""The root fields: where a query enters the shop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from graphql import GraphQLError

from tests.simulator import extra_roots, mutations, paging, search
from tests.simulator.ids import split
from tests.simulator.store import API_VERSIONS

Root = Callable[[Any, dict[str, Any]], Any]
_SCOPES = {
    **extra_roots.SCOPES,
    "order": "read_orders",
    "orders": "read_orders",
    "ordersCount": "read_orders",
    "refund": "read_orders",
    "return": "read_returns",
    "fulfillmentOrder": "read_merchant_managed_fulfillment_orders",
    "fulfillmentOrders": "read_merchant_managed_fulfillment_orders",
    "draftOrder": "read_draft_orders",
    "draftOrders": "read_draft_orders",
    "draftOrdersCount": "read_draft_orders",
    "abandonedCheckouts": "read_orders",
    "abandonedCheckoutsCount": "read_orders",
    "product": "read_products",
    "products": "read_products",
    "productsCount": "read_products",
    "productVariant": "read_products",
    "productVariants": "read_products",
    "customer": "read_customers",
    "customers": "read_customers",
    "customersCount": "read_customers",
    "inventoryItem": "read_inventory",
    "inventoryItems": "read_inventory",
    "inventoryLevel": "read_inventory",
    "location": "read_locations",
    "locations": "read_locations",
}
_SCOPES_BELOW = {("Order", "returns"): "read_returns"}
_KEYS = {
    "UPDATED_AT": "updated",
    "CREATED_AT": "created",
    "PROCESSED_AT": "processed",
    "ID": "id",
}


def denied(name: str, scope: str) -> GraphQLError:
    return GraphQLError(
        f"Access denied for {name} field. Required access: `{scope}` access scope.",
        extensions={
            "code": "ACCESS_DENIED",
            "documentation": "https://shopify.dev/api/usage/access-scopes",
            "requiredAccess": f"`{scope}` access scope.",
        },
    )


def allowed(scope: str, scopes: list[str]) -> bool:
    return scope in scopes or scope.replace("read_", "write_") in scopes


def check_scope(kind: str, name: str, scopes: list[str]) -> None:
    """Refuse a connection below the roots that needs a scope of its own."""
    scope = _SCOPES_BELOW.get((kind, name))
    if scope is not None and not allowed(scope, scopes):
        raise denied(name, scope)


def _number(gid: str, kind: str | None = None) -> int:
    found = split(gid)
    if found is None or (kind is not None and found[0] != kind):
        raise GraphQLError(f"Invalid id: {gid}", extensions={"code": "RESOURCE_NOT_FOUND"})
    return found[1]


def _guarded(name: str, root: Root) -> Root:
    scope = _SCOPES.get(name)

    def enter(call: Any, arguments: dict[str, Any]) -> Any:
        if scope is not None and not allowed(scope, call.token.scopes):
            raise denied(name, scope)
        return root(call, arguments)

    return enter


def order_query(call: Any, text: str | None) -> search.Query:
    """The search with the 60-day window that applies without ``read_all_orders``."""
    query = search.parse(text)
    floor = call.store.floor(call.token.scopes)
    if floor is not None:
        for terms in query:
            terms.append(search.Term("created", low=floor))
    return query


def _orders(call: Any, arguments: dict[str, Any]) -> paging.Page:
    return paging.page_of_shelf(
        call.world.orders,
        arguments,
        key=_KEYS.get(arguments.get("sortKey", "PROCESSED_AT"), "id"),
        query=order_query(call, arguments.get("query")),
    )


def _shelf(name: str) -> Root:
    def page(call: Any, arguments: dict[str, Any]) -> paging.Page:
        return paging.page_of_shelf(
            getattr(call.world, name),
            arguments,
            key=_KEYS.get(arguments.get("sortKey", "ID"), "id"),
            query=search.parse(arguments.get("query"), name),
        )

    return page


def _order(call: Any, arguments: dict[str, Any]) -> Any:
    found = call.world.orders.get(_number(arguments["id"], "Order"))
    return found if found is not None and _visible(call, found) else None


def _visible(call: Any, order: Any) -> bool:
    floor = call.store.floor(call.token.scopes)
    return floor is None or order.created >= floor


def _refund(call: Any, arguments: dict[str, Any]) -> Any:
    number = _number(arguments["id"], "Refund")
    ids = call.world.ids
    order = call.world.orders.get(ids.of("Order", ids.parent("Refund", number)))
    if order is None or not _visible(call, order):
        return None
    return next((one for one in order.refunds if one.id == number), None)


def _return(call: Any, arguments: dict[str, Any]) -> Any:
    number = _number(arguments["id"], "Return")
    ids = call.world.ids
    order = call.world.orders.get(ids.of("Order", ids.parent("Return", number)))
    if order is None or not _visible(call, order):
        return None
    return next((one for one in order.returns if one.id == number), None)


def open_query(arguments: dict[str, Any]) -> search.Query:
    """The search for fulfilment orders, of which the closed ones show only when asked for."""
    query = search.parse(arguments.get("query"), "fulfillment_orders")
    if not arguments.get("includeClosed"):
        for terms in query:
            terms.append(search.Term("status", "closed", negated=True))
    return query


def _fulfillment_orders(call: Any, arguments: dict[str, Any]) -> paging.Page:
    return paging.page_of_shelf(
        call.world.fulfillment_orders,
        arguments,
        key=_KEYS.get(arguments.get("sortKey", "ID"), "id"),
        query=open_query(arguments),
    )


def _every_fulfillment_order(store: Any, arguments: dict[str, Any]) -> Iterable[Any]:
    shelf = store.world.fulfillment_orders
    return (shelf.get(number) for _, number in list(shelf.scan(open_query(arguments))))


def _by_id(shelf: str, kind: str) -> Root:
    return lambda call, a: getattr(call.world, shelf).get(_number(a["id"], kind))


def _location(call: Any, arguments: dict[str, Any]) -> Any:
    if arguments.get("id") is None:
        return next(iter(call.world.locations.values()))
    return call.world.locations.get(_number(arguments["id"], "Location"))


def _level(call: Any, arguments: dict[str, Any]) -> Any:
    number = _number(arguments["id"], "InventoryLevel")
    item_text = arguments["id"].partition("inventory_item_id=")[2]
    item = call.world.items.get(int(item_text)) if item_text.isdecimal() else None
    if item is None:
        return None
    return next((level for level in item.levels.values() if level.id == number), None)


def _locations(call: Any, arguments: dict[str, Any]) -> paging.Page:
    found = list(call.world.locations.values())
    if not arguments.get("includeInactive"):
        found = [one for one in found if one.active]
    by_name = arguments.get("sortKey", "NAME") == "NAME"
    found.sort(key=lambda one: (one.name if by_name else "", one.id))
    return paging.page_of(found, arguments)


def _count(shelf: str) -> Root:
    def count(call: Any, arguments: dict[str, Any]) -> tuple[int, int | None]:
        text = arguments.get("query")
        # customersCount knows created_at, which the customers themselves cannot be searched by.
        fields = "" if shelf == "customers" else shelf
        query = order_query(call, text) if shelf == "orders" else search.parse(text, fields)
        return getattr(call.world, shelf).total(query), arguments.get("limit", 10_000)

    return count


def _variants_of(world: Any) -> list[Any]:
    return [variant for product in world.products for variant in product.variants]


def _variants(call: Any) -> list[Any]:
    return _variants_of(call.world)


def node(call: Any, arguments: dict[str, Any]) -> Any:
    """Whatever the gid names, if the app may see it."""
    found = split(arguments["id"])
    if found is None:
        raise GraphQLError(
            f"Invalid id: {arguments['id']}", extensions={"code": "RESOURCE_NOT_FOUND"}
        )
    root = _NODES.get(found[0])
    return root(call, arguments) if root else None


def _subscriptions(call: Any, arguments: dict[str, Any]) -> paging.Page:
    found = sorted(call.store.subscriptions.values(), key=lambda one: one.id)
    topics, uri = arguments.get("topics"), arguments.get("uri")
    found = [one for one in found if not topics or one.topic in topics]
    return paging.page_of([one for one in found if not uri or one.uri == uri], arguments)


def _operations(call: Any, arguments: dict[str, Any]) -> paging.Page:
    wanted = search.parse(arguments.get("query"))[0]
    found = sorted(call.store.operations.values(), key=lambda one: one.id)
    getters = {"status": lambda one: one.status, "operation_type": lambda one: one.kind}
    return paging.page_of([one for one in found if search.matches(one, wanted, getters)], arguments)


def _current_operation(call: Any, arguments: dict[str, Any]) -> Any:
    return max(call.store.operations.values(), key=lambda one: one.id, default=None)


# What a bulk query of a root walks through: everything that matches, unpaged. Those on shelves
# (``bulk.SHELVES``) need no entry.
EVERYTHING: dict[str, Callable[[Any, dict[str, Any]], Iterable[Any]]] = {
    "locations": lambda store, a: store.world.locations.values(),
    "fulfillmentOrders": _every_fulfillment_order,
    "productVariants": lambda store, a: _variants_of(store.world),
}

_NODES: dict[str, Root] = {
    "Order": _order,
    "Refund": _refund,
    "Return": _return,
    "FulfillmentOrder": _by_id("fulfillment_orders", "FulfillmentOrder"),
    "DraftOrder": _by_id("draft_orders", "DraftOrder"),
    "AbandonedCheckout": _by_id("checkouts", "AbandonedCheckout"),
    "Product": _by_id("products", "Product"),
    "ProductVariant": lambda call, a: call.world.variant(_number(a["id"])),
    "Customer": _by_id("customers", "Customer"),
    "InventoryItem": _by_id("items", "InventoryItem"),
    "InventoryLevel": _level,
    "Location": _location,
    "BulkOperation": lambda call, a: call.store.operations.get(_number(a["id"])),
    "WebhookSubscription": lambda call, a: call.store.subscriptions.get(_number(a["id"])),
    "Shop": lambda call, a: call.world.shop,
    **extra_roots.NODES,
}
_ROOTS: dict[str, Root] = {
    "node": node,
    "nodes": lambda call, a: [node(call, {"id": one}) for one in a["ids"]],
    "order": _order,
    "orders": _orders,
    "ordersCount": _count("orders"),
    "refund": _refund,
    "return": _return,
    "fulfillmentOrder": _NODES["FulfillmentOrder"],
    "fulfillmentOrders": _fulfillment_orders,
    "draftOrder": _NODES["DraftOrder"],
    "draftOrders": _shelf("draft_orders"),
    "draftOrdersCount": _count("draft_orders"),
    "abandonedCheckouts": _shelf("checkouts"),
    "abandonedCheckoutsCount": _count("checkouts"),
    "product": _NODES["Product"],
    "products": _shelf("products"),
    "productsCount": _count("products"),
    "productVariant": _NODES["ProductVariant"],
    "productVariants": lambda call, a: paging.page_of(_variants(call), a),
    "productVariantsCount": lambda call, a: (len(_variants(call)), a.get("limit", 10_000)),
    "customer": _NODES["Customer"],
    "customers": _shelf("customers"),
    "customersCount": _count("customers"),
    "inventoryItem": _NODES["InventoryItem"],
    "inventoryItems": _shelf("items"),
    "inventoryLevel": _level,
    "location": _location,
    "locations": _locations,
    "locationsCount": lambda call, a: (len(call.world.locations), a.get("limit", 10_000)),
    "shop": lambda call, a: call.world.shop,
    "currentAppInstallation": lambda call, a: call.token,
    "publicApiVersions": lambda call, a: API_VERSIONS,
    "webhookSubscription": _NODES["WebhookSubscription"],
    "webhookSubscriptions": _subscriptions,
    "webhookSubscriptionsCount": lambda call, a: (
        len(call.store.subscriptions),
        a.get("limit", 10_000),
    ),
    "bulkOperation": _NODES["BulkOperation"],
    "bulkOperations": _operations,
    "currentBulkOperation": _current_operation,
    **extra_roots.ROOTS,
    **mutations.MUTATIONS,
}
FIELDS: dict[str, Root] = {name: _guarded(name, root) for name, root in _ROOTS.items()}
