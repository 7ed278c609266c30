"""Stock as an app writes it: compared with what it was, then set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulator.actions import Deed
from tests.simulator.edits import Invalid, new_level
from tests.simulator.model import QUANTITY_NAMES, Level
from tests.simulator.payloads import goods

LARGEST = 1_000_000_000


def _level(deed: Deed, row: dict[str, Any], field: list[str]) -> Level:
    item = deed.world.items.get(int(row["item"]))
    if item is None:
        message = "The specified inventory item could not be found."
        raise Invalid([*field, "inventoryItemId"], message, "INVALID_INVENTORY_ITEM")
    if int(row["location"]) not in deed.world.locations:
        message = "The specified location could not be found."
        raise Invalid([*field, "locationId"], message, "INVALID_LOCATION")
    level = item.levels.get(int(row["location"]))
    # 2026-10: the item is stocked by being given a quantity.
    return level or new_level(deed, item, int(row["location"]))  # type: ignore[no-any-return]


def _write_stock(deed: Deed) -> None:
    """Set (``quantity``) or move (``delta``) quantities of the state ``name``, all rows or none."""
    wanted = deed.parameters
    name, part = wanted["name"], wanted["part"]
    if name not in (("available", "on_hand") if part == "quantities" else QUANTITY_NAMES):
        message = "The quantity name must be either 'available' or 'on_hand'."
        raise Invalid(["input", "name"], message, "INVALID_NAME")
    plan = []
    for place, row in enumerate(wanted["rows"]):
        field = ["input", part, str(place)]
        level = _level(deed, row, field)
        now = level.quantity(name)
        if row["expected"] is not None and row["expected"] != now:
            message = "The changeFromQuantity value does not match the persisted quantity."
            raise Invalid([*field, "changeFromQuantity"], message, "CHANGE_FROM_QUANTITY_STALE")
        value = row["quantity"] if "quantity" in row else now + row["delta"]
        if abs(value) > LARGEST:
            message = "The quantity can't be higher than 1,000,000,000."
            raise Invalid([*field, "quantity"], message, "INVALID_QUANTITY_TOO_HIGH")
        plan.append((level, value - now))
    for level, delta in plan:
        _move(deed, level, name, delta)


def _move(deed: Deed, level: Level, name: str, delta: int) -> None:
    world = deed.world
    state = "available" if name == "on_hand" else name
    level.quantities[state] += delta
    level.updated, level.active = deed.at, True
    item = world.items.get(level.item_id)
    item.updated = deed.at
    world.items.put(item.id, item)
    deed.touched.append(item.id)
    if state == "available" and delta:
        deed.tell("inventory_levels/update", lambda: goods.level_body(level, world))


def _stock_item(deed: Deed) -> None:
    """Stock an item at a location, with ``available`` units if told."""
    row = deed.parameters
    item = deed.world.items.get(int(row["item"]))
    known = item is not None and int(row["location"]) in item.levels
    level = _level(deed, row, [])
    if known and row.get("available") is not None:
        message = (
            "Not allowed to set available quantity when the item is already active at the location."
        )
        raise Invalid(["available"], message)
    level.active, level.updated = True, deed.at
    level.quantities["available"] += row.get("available") or 0
    item.updated = deed.at
    deed.world.items.put(item.id, item)
    deed.touched.append(item.id)
    if not known:
        deed.tell("inventory_levels/connect", lambda: goods.level_body(level, deed.world))


def _unstock_item(deed: Deed) -> None:
    row, world = deed.parameters, deed.world
    item = world.items.get(int(row["item"]))
    level = (
        next((x for x in item.levels.values() if x.id == int(row["level"])), None) if item else None
    )
    if item is None or level is None:
        raise Invalid(None, "The product couldn't be unstocked because it isn't stocked there.")
    if len(item.levels) == 1:
        raise Invalid(None, "The product must be stocked at one location at least.")
    del item.levels[level.location_id]
    item.updated = deed.at
    world.items.put(item.id, item)
    deed.touched.append(item.id)
    deed.tell("inventory_levels/disconnect", lambda: goods.disconnected_body(level))


ACTIONS: dict[str, Callable[[Deed], None]] = {
    "write_stock": _write_stock,
    "stock_item": _stock_item,
    "unstock_item": _unstock_item,
}
