"""Actions on products, customers, stock and the shop itself."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from typing import Any

from tests.simulator import catalogue, people
from tests.simulator.actions import Deed, Impossible
from tests.simulator.model import Customer, InventoryItem, Level, Product
from tests.simulator.payloads import goods


def _picked(deed: Deed, shelf: str, fits: Callable[[Any], bool] = lambda one: True) -> Any:
    shelves = getattr(deed.world, shelf)
    named = deed.parameters.get("id")
    if named is not None:
        found = shelves.get(int(named))
        if found is None:
            raise Impossible(f"there is no {named} among {shelf}")
        return found
    for _ in range(200):
        found = shelves.pick(deed.rng.random())
        if found is not None and fits(found):
            return found
    raise Impossible(f"none of {shelf} fits")


def _put_product(deed: Deed, product: Product, topic: str) -> None:
    product.updated = deed.at
    deed.world.products.put(product.id, product)
    deed.touched.append(product.id)
    deed.tell(topic, lambda: goods.product_body(product, deed.world))


def _create_product(deed: Deed) -> None:
    world = deed.world
    product, items = catalogue.new_product(
        world.ids,
        deed.rng,
        world.next_product(),
        currency=world.shop.currency,
        locations=list(world.locations.values()),
        at=deed.at,
    )
    for item in items:
        world.items.put(item.id, item)
        deed.tell("inventory_items/create", lambda i=item: goods.item_body(i, world))
        for level in item.levels.values():
            deed.tell("inventory_levels/connect", lambda x=level: goods.level_body(x, world))
    _put_product(deed, product, "products/create")


def _update_product(deed: Deed) -> None:
    product = _picked(deed, "products")
    choice = deed.rng.randrange(4)
    variant = product.variants[deed.rng.randrange(len(product.variants))]
    if choice == 0:
        product.title = f"{product.title.partition(' (')[0]} ({deed.rng.randrange(100)})"
    elif choice == 1:
        product.status = "ARCHIVED" if product.status == "ACTIVE" else "ACTIVE"
    elif choice == 2:
        variant.price += 1 + deed.rng.randrange(500)
        variant.updated = deed.at
    else:
        item = deed.world.items.get(variant.item_id)
        item.cost = max(1, variant.price * deed.rng.randrange(20, 80) // 100)
        item.updated = deed.at
        deed.world.items.put(item.id, item)
        deed.tell("inventory_items/update", lambda: goods.item_body(item, deed.world))
    _put_product(deed, product, "products/update")


def _delete_product(deed: Deed) -> None:
    product = _picked(deed, "products", lambda one: len(one.variants) < 20)
    for variant in product.variants:
        deed.world.items.remove(variant.item_id)
        deed.tell("inventory_items/delete", lambda n=variant.item_id: {"id": n})
    deed.world.products.remove(product.id)
    deed.touched.append(product.id)
    deed.tell("products/delete", lambda: {"id": product.id})


def _put_customer(deed: Deed, customer: Customer, topic: str) -> None:
    customer.updated = max(customer.updated, deed.at)
    deed.world.customers.put(customer.id, customer)
    deed.touched.append(customer.id)
    deed.tell(topic, lambda: goods.customer_body(customer, deed.world))


def _create_customer(deed: Deed) -> None:
    world = deed.world
    made = people.person(
        world.ids, world.next_customer(), seed=deed.rng.randrange(10**6), country="US",
        started=deed.at,
    )  # fmt: skip
    made.created = made.updated = deed.at
    _put_customer(deed, made, "customers/create")


def _update_customer(deed: Deed) -> None:
    customer = _picked(deed, "customers")
    if deed.rng.random() < 0.5:
        customer.note = f"Called at {deed.at}"
    else:
        customer.last_name = deed.rng.choice(("Lind", "Okafor", "Sato", "Weiß"))
    _put_customer(deed, customer, "customers/update")


def _delete_customer(deed: Deed) -> None:
    """Shopify deletes only customers without orders."""
    world = deed.world
    customer = _picked(deed, "customers", lambda one: not world.orders_of(one.id))
    if world.orders_of(customer.id):
        raise Impossible("a customer with orders cannot be deleted")
    world.customers.remove(customer.id)
    deed.touched.append(customer.id)
    deed.tell("customers/delete", lambda: {"id": customer.id})


def _level(deed: Deed, fits: Callable[[Level], bool]) -> tuple[InventoryItem, Level]:
    item = _picked(deed, "items", lambda one: any(fits(x) for x in one.levels.values()))
    place = deed.parameters.get("location_id")
    chosen = [x for x in item.levels.values() if fits(x)]
    if place is not None:
        chosen = [x for x in item.levels.values() if x.location_id == int(place)]
    if not chosen:
        raise Impossible("the item is not stocked there")
    return item, chosen[0]


def _set_inventory(deed: Deed) -> None:
    item, level = _level(deed, lambda one: one.active)
    wanted = deed.parameters.get("available")
    value = int(wanted) if wanted is not None else deed.rng.randrange(-3, 300)
    level.quantities["available"] = value
    level.updated = item.updated = deed.at
    deed.world.items.put(item.id, item)
    deed.touched.append(item.id)
    deed.tell("inventory_levels/update", lambda: goods.level_body(level, deed.world))


def _connect_inventory(deed: Deed) -> None:
    world = deed.world
    item = _picked(deed, "items", lambda one: len(one.levels) < len(world.locations))
    free = [number for number in world.locations if number not in item.levels]
    if not free:
        raise Impossible("the item is stocked everywhere")
    places = list(world.locations)
    sequence = world.ids.sequence("InventoryItem", item.id) * 16 + 3 + places.index(free[0])
    names = ("available", "committed", "incoming", "reserved", "damaged", "quality_control",
             "safety_stock")  # fmt: skip
    level = Level(
        id=world.ids.of("InventoryLevel", sequence),
        item_id=item.id,
        location_id=free[0],
        created=deed.at,
        updated=deed.at,
        active=True,
        quantities=dict.fromkeys(names, 0),
    )
    item.levels[level.location_id] = level
    item.updated = deed.at
    world.items.put(item.id, item)
    deed.touched.append(item.id)
    deed.tell("inventory_levels/connect", lambda: goods.level_body(level, world))


def _disconnect_inventory(deed: Deed) -> None:
    item, level = _level(deed, lambda one: one.active)
    del item.levels[level.location_id]
    item.updated = deed.at
    deed.world.items.put(item.id, item)
    deed.touched.append(item.id)
    deed.tell("inventory_levels/disconnect", lambda: goods.disconnected_body(level))


def _update_location(deed: Deed) -> None:
    places = list(deed.world.locations.values())
    named = deed.parameters.get("id")
    one = deed.world.locations.get(int(named)) if named else places[-1]
    if one is None:
        raise Impossible(f"there is no location {named}")
    one.active = bool(deed.parameters.get("active", one.active))
    one.name = f"{one.name.partition(' /')[0]} / {deed.rng.randrange(100)}"
    one.updated = deed.at
    deed.touched.append(one.id)
    deed.tell("locations/update", lambda: goods.location_body(one, deed.world))


def _change_timezone(deed: Deed) -> None:
    zone = str(deed.parameters.get("timezone", "Europe/London"))
    if zone not in zoneinfo.available_timezones():
        raise Impossible(f"there is no time zone {zone}")
    deed.world.shop.timezone = zone
    deed.touched.append(deed.world.shop.id)
    deed.tell("shop/update", lambda: goods.shop_body(deed.world.shop))


def _rename(deed: Deed) -> None:
    """Give the shop another name, or another myshopify.com domain."""
    shop, domain = deed.world.shop, deed.parameters.get("domain")
    if domain is None:
        shop.name = str(deed.parameters.get("name", "Renamed shop"))
    elif not str(domain).endswith(".myshopify.com"):
        raise Impossible("a domain ends with .myshopify.com")
    else:
        deed.store.former.append(shop.domain)
        shop.domain = str(domain)
    deed.touched.append(shop.id)
    deed.tell("shop/update", lambda: goods.shop_body(shop))


def _uninstall(deed: Deed) -> None:
    deed.touched.append(deed.world.shop.id)
    deed.tell("app/uninstalled", lambda: goods.shop_body(deed.world.shop))


ACTIONS: dict[str, Callable[[Deed], None]] = {
    "create_product": _create_product,
    "update_product": _update_product,
    "delete_product": _delete_product,
    "create_customer": _create_customer,
    "update_customer": _update_customer,
    "delete_customer": _delete_customer,
    "set_inventory": _set_inventory,
    "connect_inventory": _connect_inventory,
    "disconnect_inventory": _disconnect_inventory,
    "update_location": _update_location,
    "change_timezone": _change_timezone,
    "rename": _rename,
    "uninstall": _uninstall,
}
