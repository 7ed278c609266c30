"""Mutations on what a shop holds: arguments to actions, actions to payloads."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from graphql import GraphQLError

from tests.simulator import actions, moments
from tests.simulator.edits import Invalid
from tests.simulator.idempotency import refused
from tests.simulator.ids import gid, split

Arguments = dict[str, Any]
Mutation = Callable[[Any, Arguments], Any]
_SCOPES = {
    "product": "write_products",
    "customer": "write_customers",
    "order": "write_orders",
    "refund": "write_orders",
    "fulfillment": "write_merchant_managed_fulfillment_orders",
    "inventory": "write_inventory",
}


def _scope(name: str) -> str | None:
    return next((scope for start, scope in _SCOPES.items() if name.startswith(start)), None)


def number(text: str, kind: str) -> int:
    """The number in a gid of *kind*."""
    found = split(text)
    if found is None or found[0] != kind:
        raise GraphQLError(f"Invalid id: {text}", extensions={"code": "RESOURCE_NOT_FOUND"})
    return found[1]


def do(call: Any, name: str, parameters: Arguments) -> list[int]:
    """Perform an action now; return the ids it touched."""
    seed = random.getrandbits(48)
    return actions.perform(call.store, call.platform, name, parameters, seed=seed, at=moments.now())


def guarded(name: str, mutation: Mutation) -> Mutation:
    """Check the scope; turn what an action finds wrong into user errors."""
    scope = _scope(name)

    def enter(call: Any, arguments: Arguments) -> Any:
        if scope is not None and scope not in call.token.scopes:
            from tests.simulator.roots import denied

            raise denied(name, scope)
        try:
            return mutation(call, arguments)
        except Invalid as error:
            answer = refused(error.error["field"], error.error["message"], error.error["code"])
        except actions.Impossible as error:
            answer = refused(None, str(error))
        answer["orderCancelUserErrors"] = answer["userErrors"]
        answer["shop"] = call.world.shop
        return answer

    return enter


def _inner(call: Any, wanted: Arguments) -> Arguments:
    """A product's arguments as an action takes them."""
    found = dict(wanted)
    if found.get("id"):
        found["id"] = number(found["id"], "Product")
    if found.get("variants") is not None:
        found["variants"] = [_variant(one) for one in found["variants"]]
    return found


def _variant(wanted: Arguments) -> Arguments:
    found = dict(wanted)
    if found.get("id"):
        found["id"] = number(found["id"], "ProductVariant")
    return found


def _product(call: Any, wanted: Arguments) -> Arguments:
    touched = do(call, "write_product", _inner(call, wanted))
    found = call.world.products.get(touched[-1])
    return {"product": found, "shop": call.world.shop, "userErrors": []}


def _set_product(call: Any, arguments: Arguments) -> Arguments:
    wanted, named = dict(arguments["input"]), arguments.get("identifier") or {}
    if named.get("id"):
        wanted["id"] = named["id"]
    if named.get("handle"):
        found = next((p for p in call.world.products if p.handle == named["handle"]), None)
        if found is not None:
            wanted["id"] = gid("Product", found.id)
    return _product(call, wanted)


def _delete_product(call: Any, arguments: Arguments) -> Arguments:
    text = arguments["input"]["id"]
    if call.world.products.get(number(text, "Product")) is None:
        raise Invalid(["id"], "Product does not exist")
    do(call, "delete_product", {"id": number(text, "Product")})
    return {"deletedProductId": text, "shop": call.world.shop, "userErrors": []}


def _variants(part: str) -> Mutation:
    def write(call: Any, arguments: Arguments) -> Arguments:
        rows: list[Any]
        if part == "drop":
            rows = [number(one, "ProductVariant") for one in arguments["variantsIds"]]
        else:
            rows = [_variant(one) for one in arguments["variants"]]
        product = number(arguments["productId"], "Product")
        touched = do(call, "write_variants", {"id": product, part: rows})
        found = call.world.products.get(product)
        made = [one for one in found.variants if one.id in touched]
        return {"product": found, "productVariants": made, "userErrors": []}

    return write


def _customer(call: Any, arguments: Arguments) -> Arguments:
    wanted = dict(arguments["input"])
    if wanted.get("id"):
        wanted["id"] = number(wanted["id"], "Customer")
    (touched,) = do(call, "write_customer", wanted)
    return {"customer": call.world.customers.get(touched), "userErrors": []}


def _create_customer(call: Any, arguments: Arguments) -> Arguments:
    wanted = {name: value for name, value in arguments["input"].items() if name != "id"}
    return _customer(call, {"input": wanted})


def _update_customer(call: Any, arguments: Arguments) -> Arguments:
    if not arguments["input"].get("id"):
        raise Invalid(["id"], "Customer ID is required")
    return _customer(call, arguments)


def _delete_customer(call: Any, arguments: Arguments) -> Arguments:
    text = arguments["input"]["id"]
    do(call, "drop_customer", {"id": number(text, "Customer")})
    return {"deletedCustomerId": text, "shop": call.world.shop, "userErrors": []}


_TAGGED = {
    "Order": ("orders", "write_order"),
    "Product": ("products", "write_product"),
    "Customer": ("customers", "write_customer"),
}


def _tags(*, add: bool) -> Mutation:
    def change(call: Any, arguments: Arguments) -> Arguments:
        found = split(arguments["id"]) or ("", 0)
        if found[0] not in _TAGGED:
            message = f"Invalid id: {arguments['id']}"
            raise GraphQLError(message, extensions={"code": "RESOURCE_NOT_FOUND"})
        shelf, action = _TAGGED[found[0]]
        thing = getattr(call.world, shelf).get(found[1])
        if thing is None:
            raise Invalid(["id"], f"{found[0]} does not exist")
        given = {part.strip() for one in arguments["tags"] for part in one.split(",")} - {""}
        tags = set(thing.tags) | given if add else set(thing.tags) - given
        do(call, action, {"id": thing.id, "tags": sorted(tags)})
        return {"node": getattr(call.world, shelf).get(thing.id), "userErrors": []}

    return change


def _order(action: str, of: Callable[[Arguments], Arguments]) -> Mutation:
    def change(call: Any, arguments: Arguments) -> Arguments:
        wanted = of(arguments)
        wanted["id"] = number(wanted["id"], "Order")
        do(call, action, wanted)
        order = call.world.orders.get(wanted["id"])
        return {
            "order": order,
            "refund": order.refunds[-1] if order.refunds else None,
            "job": {"id": gid("Job", order.id), "done": True},
            "orderCancelUserErrors": [],
            "userErrors": [],
        }

    return change


def _refund(arguments: Arguments) -> Arguments:
    wanted = arguments["input"]
    lines = [
        [number(one["lineItemId"], "LineItem"), one["quantity"]]
        for one in wanted.get("refundLineItems") or []
    ]
    paid = sum(float(one["amount"]) for one in wanted.get("transactions") or [])
    return {
        "id": wanted["orderId"],
        "lines": lines,
        "shipping": bool((wanted.get("shipping") or {}).get("fullRefund")),
        "note": wanted.get("note"),
        "paid": str(paid),
    }


def _ship(call: Any, arguments: Arguments) -> Arguments:
    wanted = arguments["fulfillment"]
    units: list[list[int]] = []
    orders, location = set(), None
    for part in wanted["lineItemsByFulfillmentOrder"]:
        one = call.world.fulfillment_orders.get(
            number(part["fulfillmentOrderId"], "FulfillmentOrder")
        )
        if one is None:
            raise Invalid(["fulfillment"], "Fulfillment order does not exist.")
        if one.status not in ("OPEN", "IN_PROGRESS"):
            state = one.status.lower()
            message = f"Fulfillment order {one.id} has an unfulfillable status= {state}."
            raise Invalid(["fulfillment"], message)
        orders.add(one.order_id)
        location = one.location_id
        asked = part.get("fulfillmentOrderLineItems")
        counts = {number(x["id"], "FulfillmentOrderLineItem"): x["quantity"] for x in asked or []}
        for line in one.lines:
            count = counts.get(line.id, 0) if asked else line.remaining
            if count:
                units.append([line.line.id, count])
    if len(orders) != 1:
        raise Invalid(["fulfillment"], "All fulfillment orders must belong to the same order.")
    tracking = wanted.get("trackingInfo") or {}
    identity = orders.pop()
    do(call, "ship_named", {
        "id": identity, "units": units, "location": location, "tracking": tracking,
    })  # fmt: skip
    return {"fulfillment": call.world.orders.get(identity).fulfillments[-1], "userErrors": []}


def _place(call: Any, arguments: Arguments) -> Arguments:
    wanted = arguments["order"]
    lines = [
        {
            "variant": number(one["variantId"], "ProductVariant") if one.get("variantId") else None,
            "quantity": one["quantity"],
            "title": one.get("title"),
            "sku": one.get("sku"),
            "price": ((one.get("priceSet") or {}).get("shopMoney") or {}).get("amount"),
        }
        for one in wanted.get("lineItems") or []
    ]
    customer = wanted.get("customerId")
    touched = do(call, "place_order", {
        "lines": lines,
        "customer": number(customer, "Customer") if customer else None,
        "status": wanted.get("financialStatus"),
        "source": wanted.get("sourceName"),
        **{name: wanted.get(name) for name in ("email", "note", "tags", "test")},
    })  # fmt: skip
    return {"order": call.world.orders.get(touched[0]), "userErrors": []}


def _stock(part: str, row: str, kind: str) -> Mutation:
    """``inventorySetQuantities`` and ``inventoryAdjustQuantities``."""

    def write(call: Any, arguments: Arguments) -> Arguments:
        wanted = arguments["input"]
        rows = []
        for one in wanted[part]:
            if "changeFromQuantity" not in one:
                message = f"{kind} must include the following argument: changeFromQuantity."
                raise GraphQLError(message, extensions={"code": "INVALID_FIELD_ARGUMENTS"})
            rows.append(
                {
                    "item": number(one["inventoryItemId"], "InventoryItem"),
                    "location": number(one["locationId"], "Location"),
                    row: one[row],
                    "expected": one["changeFromQuantity"],
                }
            )
        before = [_quantity(call, one, wanted["name"]) for one in rows]
        do(call, "write_stock", {"name": wanted["name"], "part": part, "rows": rows})
        after = [_quantity(call, one, wanted["name"]) for one in rows]
        return {"inventoryAdjustmentGroup": _group(call, wanted, rows, before, after),
                "userErrors": []}  # fmt: skip

    return write


def _quantity(call: Any, row: Arguments, name: str) -> int:
    item = call.world.items.get(row["item"])
    level = item.levels.get(row["location"]) if item is not None else None
    known = level is not None and (name == "on_hand" or name in level.quantities)
    return int(level.quantity(name)) if known else 0


def _group(
    call: Any, wanted: Arguments, rows: list[Arguments], before: list[int], after: list[int]
) -> Arguments | None:
    """What moved; units that became available are also on hand."""
    changes: list[Arguments] = []
    for row, old, new in zip(rows, before, after, strict=True):
        twin = {"available": "on_hand", "on_hand": "available"}.get(wanted["name"], "on_hand")
        changes += [
            {
                "name": name,
                "delta": new - old,
                "quantityAfterChange": None,
                "item": call.world.items.get(row["item"]),
                "location": call.world.locations[row["location"]],
                "ledgerDocumentUri": None,
            }
            for name in (wanted["name"], twin)
            if new != old
        ]
    if not changes:
        return None
    return {
        "id": gid("InventoryAdjustmentGroup", random.getrandbits(40)),
        "createdAt": moments.utc(moments.now()),
        "reason": wanted["reason"],
        "referenceDocumentUri": wanted.get("referenceDocumentUri"),
        "changes": changes,
    }


def _activate(call: Any, arguments: Arguments) -> Arguments:
    item = number(arguments["inventoryItemId"], "InventoryItem")
    place = number(arguments["locationId"], "Location")
    available = arguments.get("available")
    do(call, "stock_item", {"item": item, "location": place, "available": available})
    return {"inventoryLevel": call.world.items.get(item).levels[place], "userErrors": []}


def _deactivate(call: Any, arguments: Arguments) -> Arguments:
    text = arguments["inventoryLevelId"]
    item = text.partition("inventory_item_id=")[2]
    if not item.isdecimal():
        raise GraphQLError(f"Invalid id: {text}", extensions={"code": "RESOURCE_NOT_FOUND"})
    do(call, "unstock_item", {"item": int(item), "level": number(text, "InventoryLevel")})
    return {"userErrors": []}


def _uninstall(call: Any, arguments: Arguments) -> Arguments:
    app = call.token
    do(call, "uninstall", {})
    return {"app": app, "userErrors": []}


def _revoke(call: Any, arguments: Arguments) -> Arguments:
    unknown = [one for one in arguments["scopes"] if one not in call.token.scopes]
    if unknown:
        message = (
            f"The requested list of scopes to revoke includes invalid handles: {', '.join(unknown)}"
        )
        return refused(["scopes"], message, "UNKNOWN_SCOPES")
    for token in call.store.tokens.values():
        token.scopes = [one for one in token.scopes if one not in arguments["scopes"]]
        call.platform.journal.issued(call.store, token)
    return {"revoked": list(arguments["scopes"]), "userErrors": []}


_ALL: dict[str, Mutation] = {
    "productCreate": lambda call, a: _product(call, a.get("product") or {}),
    "productUpdate": lambda call, a: _product(call, a.get("product") or {}),
    "productSet": _set_product,
    "productDelete": _delete_product,
    "productVariantsBulkCreate": _variants("make"),
    "productVariantsBulkUpdate": _variants("change"),
    "productVariantsBulkDelete": _variants("drop"),
    "customerCreate": _create_customer,
    "customerUpdate": _update_customer,
    "customerDelete": _delete_customer,
    "tagsAdd": _tags(add=True),
    "tagsRemove": _tags(add=False),
    "orderUpdate": _order("write_order", lambda a: dict(a["input"])),
    "orderClose": _order("shut_order", lambda a: {"id": a["input"]["id"], "open": False}),
    "orderOpen": _order("shut_order", lambda a: {"id": a["input"]["id"], "open": True}),
    "orderMarkAsPaid": _order("settle_order", lambda a: {"id": a["input"]["id"]}),
    "orderCancel": _order(
        "void_order",
        lambda a: {"id": a["orderId"], "reason": a["reason"], "restock": a["restock"]},
    ),
    "orderCreate": _place,
    "refundCreate": _order("refund_named", _refund),
    "fulfillmentCreate": _ship,
    "inventorySetQuantities": _stock("quantities", "quantity", "InventoryQuantityInput"),
    "inventoryAdjustQuantities": _stock("changes", "delta", "InventoryChangeInput"),
    "inventoryActivate": _activate,
    "inventoryDeactivate": _deactivate,
    "appUninstall": _uninstall,
    "appRevokeAccessScopes": _revoke,
}
MUTATIONS = {name: guarded(name, mutation) for name, mutation in _ALL.items()}
