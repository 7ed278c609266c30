"""Seeded draft orders and abandoned checkouts: baskets that no order came of yet."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

from tests.simulator import chance
from tests.simulator.ledger import settle
from tests.simulator.model import Order
from tests.simulator.moments import DAY
from tests.simulator.order_parts import AbandonedCheckout, DraftOrder
from tests.simulator.shelf import Shelf

_FEWEST, _MOST = 12, 5_000


def draft_shelf(world: Any) -> Shelf[DraftOrder]:
    """One draft for every twenty orders."""
    count = _count(world, 20)
    times = _times(world, count, 31)

    def make(n: int) -> DraftOrder:
        made = draft_order(world, n, at=times(n, "created"), rng=_rng(world, 32, n))
        made.updated = times(n, "updated")
        if n % 5 in (1, 3):
            made.status, made.invoice_sent = "INVOICE_SENT", made.updated
        return made

    return Shelf(
        count=count,
        make=make,
        stamp=times,
        read=_read,
        number=lambda n: world.ids.of("DraftOrder", n),
        place=lambda number: world.ids.sequence("DraftOrder", number),
        sorted_by=("created",),
        getters={
            "default": lambda one: [one.name, one.basket.email],
            "status": lambda one: one.status,
            "tag": lambda one: one.basket.tags,
            "customer_id": lambda one: one.basket.customer_id,
        },
    )


def checkout_shelf(world: Any) -> Shelf[AbandonedCheckout]:
    """One abandoned checkout for every ten orders."""
    count = _count(world, 10)
    times = _times(world, count, 33)

    def make(n: int) -> AbandonedCheckout:
        made = abandoned_checkout(world, n, at=times(n, "created"), rng=_rng(world, 34, n))
        made.updated = times(n, "updated")
        if n % 6 == 2:
            made.completed = made.updated
        return made

    return Shelf(
        count=count,
        make=make,
        stamp=times,
        read=_read,
        number=lambda n: world.ids.of("AbandonedCheckout", n),
        place=lambda number: world.ids.sequence("AbandonedCheckout", number),
        sorted_by=("created",),
        getters={
            "default": lambda one: [one.name, one.basket.email],
            "status": lambda one: "closed" if one.completed else "open",
            "recovery_state": lambda one: "recovered" if one.completed else "not_recovered",
        },
    )


def draft_order(world: Any, n: int, *, at: int, rng: random.Random) -> DraftOrder:
    """The *n*-th draft as it is made; some have a line that is in no catalogue."""
    basket = world.book.fresh(n, at=at, rng=rng)
    if rng.random() < 0.3:
        extra = copy.deepcopy(basket.lines[0])
        extra.product_id = extra.variant_id = extra.sku = extra.vendor = None
        extra.title, extra.variant_title = "Gift \\ wrapping", None
        extra.taxes, extra.allocations, extra.duties = [], [], []
        basket.lines.append(extra)
        settle(basket)
    return DraftOrder(
        id=world.ids.of("DraftOrder", n),
        name=f"#D{n + 1}",
        status="OPEN",
        created=at,
        updated=at,
        basket=basket,
        line_ids=[world.ids.child("DraftOrderLineItem", n, k) for k in range(len(basket.lines))],
        po_number=f"PO-{n}" if rng.random() < 0.2 else None,
    )


def abandoned_checkout(world: Any, n: int, *, at: int, rng: random.Random) -> AbandonedCheckout:
    """The *n*-th checkout as it is left."""
    return AbandonedCheckout(
        id=world.ids.of("AbandonedCheckout", n),
        name=f"#{10_000_000 + n}",
        created=at,
        updated=at + 600,
        basket=world.book.fresh(n, at=at, rng=rng),
    )


def placed(world: Any, draft: DraftOrder, *, at: int) -> Order:
    """The order that comes of *draft*."""
    sequence, ids = world.next_order(), world.ids
    order = copy.deepcopy(draft.basket)
    order.id, order.number = ids.of("Order", sequence), 1001 + sequence
    order.created = order.processed = order.updated = at
    order.confirmation, order.source_name = f"D{sequence:08d}", "shopify_draft_order"
    order.po_number = draft.po_number
    for place, line in enumerate(order.lines):
        line.id = ids.child("LineItem", sequence, place)
        for duty in line.duties:
            duty.id = ids.child("Duty", sequence, place)
    for place, shipping in enumerate(order.shipping):
        shipping.id = ids.child("ShippingLine", sequence, place)
    order.next_child = len(order.lines)
    return order


def _count(world: Any, part: int) -> int:
    orders = len(world.book)
    return min(orders, max(_FEWEST, orders // part), _MOST)


def _rng(world: Any, salt: int, n: int) -> random.Random:
    return random.Random(chance.mixed(world.recipe.seed + salt, n))


def _times(world: Any, count: int, salt: int) -> Callable[[int, str], int]:
    """Creation spread over the shop's life, the last change some days later."""
    started, seed = world.shop.created, world.recipe.seed
    ended = max(world.recipe.as_of, started + 30 * DAY) - 60

    def times(n: int, key: str) -> int:
        spot = (n + chance.fraction(seed + salt, n)) / max(count, 1)
        created = started + int(spot * (ended - started))
        if key != "updated":
            return created
        return min(ended, created + 600 + int(5 * DAY * chance.fraction(seed + salt + 40, n)))

    return times


def _read(one: Any, key: str) -> int:
    return int(one.updated if key == "updated" else one.created)
