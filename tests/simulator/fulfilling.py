"""Fulfilment orders: one for each order, a second one for every eighth.

They follow what happens to their order, and may be held or moved without it.
"""

from __future__ import annotations

from typing import Any

from tests.simulator.ids import Ids
from tests.simulator.model import Order
from tests.simulator.order_parts import FulfillmentOrder, FulfillmentOrderLine
from tests.simulator.shelf import Shelf

_EVERY, _REST = 8, 5
# The numbers of the second ones lie behind those of all first ones.
_SECOND = 5 * 10**12


def shelf_of(world: Any) -> Shelf[FulfillmentOrder]:
    """The fulfilment orders of the original orders, made when asked for."""
    book, ids, count = world.book, world.ids, len(world.book)
    seconds = (count - _REST + _EVERY - 1) // _EVERY if count > _REST else 0

    def order_of(n: int) -> int:
        return n if n < count else (n - count) * _EVERY + _REST

    def number(n: int) -> int:
        return _id(ids, order_of(n), second=n >= count)

    def place(identity: int) -> int:
        sequence = ids.sequence("FulfillmentOrder", identity)
        if 0 <= sequence < count:
            return int(sequence)
        origin = sequence - _SECOND
        if 0 <= origin < count and origin % _EVERY == _REST:
            return int(count + origin // _EVERY)
        return count + seconds

    return Shelf(
        count=count + seconds,
        make=lambda n: _derived(book.order(order_of(n)), world, second=n >= count),
        stamp=lambda n, key: int(getattr(book.plan(order_of(n)), key)),
        read=lambda one, key: one.updated if key == "updated" else one.created,
        number=number,
        place=place,
        getters={
            "status": lambda one: one.status,
            "assigned_location_id": lambda one: one.location_id,
        },
    )


def ids_of(order: Order, ids: Ids) -> list[int]:
    """The ids of an order's fulfilment orders."""
    sequence = ids.sequence("Order", order.id)
    found = [_id(ids, sequence, second=False)]
    if sequence % _EVERY == _REST:
        found.append(_id(ids, sequence, second=True))
    return found


def _id(ids: Ids, sequence: int, *, second: bool) -> int:
    return ids.of("FulfillmentOrder", sequence + (_SECOND if second else 0))


def refresh(world: Any, order: Order) -> None:
    """Let the fulfilment orders follow what became of *order*."""
    shelf = world.fulfillment_orders
    for place, identity in enumerate(ids_of(order, world.ids)):
        fresh = _derived(order, world, second=place == 1)
        known = shelf.get(identity)
        if known is None:
            shelf.put(identity, fresh)
            continue
        if _told(known) == _told(fresh, held=bool(known.holds)):
            continue
        known.lines, known.status = fresh.lines, _status_of(known, fresh.status)
        known.updated = max(known.updated, order.updated)
        shelf.put(identity, known)


def forget(world: Any, order: Order) -> None:
    for identity in ids_of(order, world.ids):
        world.fulfillment_orders.remove(identity)


def settle_hold(one: FulfillmentOrder) -> None:
    """Bring the status in line with the holds."""
    left = sum(line.remaining for line in one.lines)
    done = any(line.remaining < line.total for line in one.lines)
    one.status = _status_of(one, "CLOSED" if not left else "IN_PROGRESS" if done else "OPEN")


def _status_of(one: FulfillmentOrder, bare: str) -> str:
    return "ON_HOLD" if one.holds and bare in ("OPEN", "IN_PROGRESS") else bare


def _told(one: FulfillmentOrder, *, held: bool = False) -> tuple[Any, ...]:
    status = "ON_HOLD" if held and one.status in ("OPEN", "IN_PROGRESS") else one.status
    return status, [(line.id, line.total, line.remaining) for line in one.lines]


def _derived(order: Order, world: Any, *, second: bool) -> FulfillmentOrder:
    """The fulfilment order as the state of *order* demands it, without holds."""
    ids, places = world.ids, list(world.locations)
    sequence = ids.sequence("Order", order.id)
    identity = _id(ids, sequence, second=second)
    shared = sequence % _EVERY == _REST
    lines = [
        FulfillmentOrderLine(
            id=ids.child("FulfillmentOrderLineItem", sequence, place),
            line=line,
            total=max(line.current_quantity, line.fulfilled),
            remaining=max(0, line.current_quantity - line.fulfilled),
        )
        for place, line in enumerate(order.lines)
        if line.requires_shipping and (not shared or (place % 2 == 1) is second)
    ]
    made = FulfillmentOrder(
        id=identity,
        order_id=order.id,
        location_id=order.location_id or places[2 % len(places) if second else 0],
        created=order.created,
        updated=order.updated,
        status="CANCELLED",
        lines=lines,
        order_name=order.name,
        order_processed=order.processed,
        destination=order,
    )
    if order.cancelled is None:
        settle_hold(made)
    return made
