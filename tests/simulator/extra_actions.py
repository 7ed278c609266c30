"""Actions on collections, discounts, gift cards, payments and metafields; merging customers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulator import extras
from tests.simulator.actions import Deed, Impossible
from tests.simulator.ids import gid
from tests.simulator.merchant import _picked, _put_customer, _put_product
from tests.simulator.payloads import extras as bodies
from tests.simulator.payloads import goods, orders
from tests.simulator.small_shelf import next_place

# Topic -> what Shopify's events call the subject, and how its ids begin.
_SUBJECTS = {
    "products": ("PRODUCT", "Product"),
    "collections": ("COLLECTION", "Collection"),
    "orders": ("ORDER", "Order"),
    "customers": ("CUSTOMER", "Customer"),
    "draft_orders": ("DRAFT_ORDER", "DraftOrder"),
}
_VERBS = {"create": "create", "delete": "destroy"}


def record_events(deed: Deed) -> None:
    """Keep what Shopify's ``events`` tell of: what was made and what was deleted."""
    shelf = deed.world.events
    for topic, body in deed.events:
        kind, _, verb = topic.partition("/")
        if kind not in _SUBJECTS or verb not in _VERBS:
            continue
        name, owner = _SUBJECTS[kind]
        number = deed.world.ids.of("Event", len(shelf))
        made = extras.Event(number, _VERBS[verb], deed.at, gid(owner, body()["id"]), name)
        shelf.put(number, made)


def _put_collection(deed: Deed, collection: extras.Collection, topic: str) -> None:
    collection.updated = max(collection.updated, deed.at)
    deed.world.collections.put(collection.id, collection)
    deed.touched.append(collection.id)
    deed.tell(topic, lambda: bodies.collection_body(collection, deed.world))


def _create_collection(deed: Deed) -> None:
    world = deed.world
    place = next_place(world.collections, world.ids, "Collection")
    products = [one.id for one in world.products]
    count = min(len(products), int(deed.parameters.get("products", 5)))
    made = extras.Collection(
        id=world.ids.of("Collection", place),
        title=str(deed.parameters.get("title", f"Made {place}")),
        handle=f"made-{place}",
        description="",
        sort_order="MANUAL",
        created=deed.at,
        updated=deed.at,
        chosen=deed.rng.sample(products, count),
    )
    _put_collection(deed, made, "collections/create")


def _update_collection(deed: Deed) -> None:
    """Rename one; a collection by hand also loses its first member and gains another."""
    collection = _picked(deed, "collections")
    collection.title = f"{collection.title.partition(' (')[0]} ({deed.rng.randrange(100)})"
    if collection.rules is None:
        others = [one.id for one in deed.world.products if one.id not in collection.chosen]
        added = [deed.rng.choice(others)] if others else []
        collection.chosen = [*collection.chosen[1:], *added]
    _put_collection(deed, collection, "collections/update")


def _delete_collection(deed: Deed) -> None:
    collection = _picked(deed, "collections")
    deed.world.collections.remove(collection.id)
    deed.touched.append(collection.id)
    deed.tell("collections/delete", lambda: {"id": collection.id})


def _retag_product(deed: Deed) -> None:
    """Change a tag: members of smart collections change, and no collection says so."""
    product = _picked(deed, "products")
    tag = str(deed.parameters.get("tag", "gift"))
    has = tag in product.tags
    product.tags = sorted({*product.tags} - {tag} if has else {*product.tags, tag})
    _put_product(deed, product, "products/update")


def _put_discount(deed: Deed, promotion: extras.Promotion) -> None:
    promotion.updated = max(promotion.updated, deed.at)
    deed.world.discounts.put(promotion.id, promotion)
    deed.touched.append(promotion.id)


def _create_discount(deed: Deed) -> None:
    world = deed.world
    place = next_place(world.discounts, world.ids, "DiscountNode")
    made = extras.promotion(world, place, deed.rng, at=deed.at, codes=2)
    made.updated = deed.at
    _put_discount(deed, made)
    deed.tell("discounts/create", lambda: bodies.discount_body(made, world))


def _update_discount(deed: Deed) -> None:
    promotion = _picked(deed, "discounts")
    promotion.usage += 1
    promotion.status = "EXPIRED" if promotion.status == "ACTIVE" else "ACTIVE"
    _put_discount(deed, promotion)
    deed.tell("discounts/update", lambda: bodies.discount_body(promotion, deed.world))


def _delete_discount(deed: Deed) -> None:
    promotion = _picked(deed, "discounts")
    deed.world.discounts.remove(promotion.id)
    deed.touched.append(promotion.id)
    gone = bodies.discount_gone_body(promotion, deed.at, deed.world)
    deed.tell("discounts/delete", lambda: gone)


def _add_code(deed: Deed) -> None:
    world = deed.world
    promotion = _picked(deed, "discounts", lambda one: one.by_code)
    place = world.ids.sequence("DiscountNode", promotion.id) * extras.CODES
    number = max(
        [world.ids.of("DiscountRedeemCode", place), *(one.id + 1 for one in promotion.codes)]
    )
    code = extras.RedeemCode(number, f"NEW-{number % 10**6}")
    promotion.codes.append(code)
    _put_discount(deed, promotion)
    deed.tell("discounts/redeemcode_added", lambda: bodies.redeem_code_body(promotion, code, world))


def _remove_code(deed: Deed) -> None:
    promotion = _picked(deed, "discounts", lambda one: bool(one.codes))
    if not promotion.codes:
        raise Impossible("the discount has no codes")
    code = promotion.codes.pop(0)
    _put_discount(deed, promotion)
    deed.tell(
        "discounts/redeemcode_removed",
        lambda: bodies.redeem_code_body(promotion, code, deed.world),
    )


def _put_gift_card(deed: Deed, card: extras.GiftCard) -> None:
    """Shopify has no webhook for gift cards."""
    card.updated = max(card.updated, deed.at)
    deed.world.gift_cards.put(card.id, card)
    deed.touched.append(card.id)


def _create_gift_card(deed: Deed) -> None:
    world = deed.world
    place = next_place(world.gift_cards, world.ids, "GiftCard")
    card = extras.gift_card(world, place, deed.rng, at=deed.at)
    card.updated = deed.at
    _put_gift_card(deed, card)


def _use_gift_card(deed: Deed) -> None:
    card = _picked(deed, "gift_cards", lambda one: one.balance > 0)
    card.balance -= deed.rng.randrange(card.balance) + 1 if card.balance else 0
    _put_gift_card(deed, card)


def _disable_gift_card(deed: Deed) -> None:
    card = _picked(deed, "gift_cards", lambda one: one.disabled is None)
    card.disabled = deed.at
    _put_gift_card(deed, card)


def _has_payments(deed: Deed) -> None:
    if not deed.world.recipe.payments:
        raise Impossible("the shop has no Shopify Payments account")


def _pay_out(deed: Deed) -> None:
    """Schedule a payout of some new transactions; the earlier ones arrive."""
    _has_payments(deed)
    world = deed.world
    place = next_place(world.balance_transactions, world.ids, "ShopifyPaymentsBalanceTransaction")
    moves = [extras.balance_transaction(world, place + n, deed.rng, at=deed.at) for n in range(5)]
    number = next_place(world.payouts, world.ids, "ShopifyPaymentsPayout")
    for earlier in list(world.payouts):
        earlier.status = "PAID"
        world.payouts.put(earlier.id, earlier)
    made = extras.payout(world, number, moves, at=deed.at)
    world.payouts.put(made.id, made)
    for one in moves:
        world.balance_transactions.put(one.id, one)
    deed.touched.append(made.id)


def _open_dispute(deed: Deed) -> None:
    _has_payments(deed)
    world = deed.world
    place = next_place(world.disputes, world.ids, "ShopifyPaymentsDispute")
    made = extras.dispute(world, place, deed.rng, at=deed.at)
    world.disputes.put(made.id, made)
    deed.touched.append(made.id)
    deed.tell("disputes/create", lambda: bodies.dispute_body(made, world))


def _decide_dispute(deed: Deed) -> None:
    _has_payments(deed)
    world = deed.world
    one = _picked(deed, "disputes", lambda d: d.finalized is None)
    one.status, one.sent, one.finalized = deed.rng.choice(("WON", "LOST")), deed.at - 60, deed.at
    world.disputes.put(one.id, one)
    deed.touched.append(one.id)
    deed.tell("disputes/update", lambda: bodies.dispute_body(one, world))


_OWNED = {
    "Product": ("products", "products/update", goods.product_body),
    "Customer": ("customers", "customers/update", goods.customer_body),
    "Order": ("orders", "orders/updated", orders.order_body),
    "Collection": ("collections", "collections/update", bodies.collection_body),
}


def _set_metafield(deed: Deed) -> None:
    """Set or, with an empty ``value``, delete a metafield of ``owner``; the owner is touched."""
    wanted = deed.parameters
    kind = str(wanted.get("owner", "Product"))
    if kind == "ProductVariant":
        _set_on_variant(deed)
        return
    shelf, topic, body = _OWNED[kind]
    owner = _picked(deed, shelf)
    _put_metafield(deed, kind, owner)
    owner.updated = max(owner.updated, deed.at)
    getattr(deed.world, shelf).put(owner.id, owner)
    deed.touched.append(owner.id)
    deed.tell(topic, lambda: body(owner, deed.world))


def _set_on_variant(deed: Deed) -> None:
    product = _picked(deed, "products")
    variant = product.variants[deed.rng.randrange(len(product.variants))]
    _put_metafield(deed, "ProductVariant", variant)
    variant.updated = deed.at
    _put_product(deed, product, "products/update")


def _put_metafield(deed: Deed, kind: str, owner: Any) -> None:
    wanted = deed.parameters
    deed.world.metafields.put(
        kind,
        owner,
        str(wanted.get("namespace", "custom")),
        str(wanted.get("key", "material")),
        str(wanted.get("value", f"set {deed.rng.randrange(1000)}")),
        at=deed.at,
    )


def _merge_customers(deed: Deed) -> None:
    """Merge ``id`` into ``into``: its orders and gift cards move, and it is no more."""
    world = deed.world
    gone = _picked(deed, "customers", lambda one: bool(world.orders_of(one.id)))
    named = deed.parameters.get("into")
    kept = world.customers.get(int(named)) if named else None
    while kept is None or kept.id == gone.id:
        kept = world.customers.pick(deed.rng.random())
    for number in world.orders_of(gone.id):
        order = world.orders.get(number)
        order.customer_id = kept.id
        world.put_order(order)
    for card in world.gift_cards:
        if card.customer_id == gone.id:
            card.customer_id = kept.id
            _put_gift_card(deed, card)
    world.customers.remove(gone.id)
    deed.touched.append(gone.id)
    deed.tell("customers/merge", lambda: bodies.merge_body(kept.id, gone.id))
    _put_customer(deed, kept, "customers/update")


ACTIONS: dict[str, Callable[[Deed], None]] = {
    "create_collection": _create_collection,
    "update_collection": _update_collection,
    "delete_collection": _delete_collection,
    "retag_product": _retag_product,
    "create_discount": _create_discount,
    "update_discount": _update_discount,
    "delete_discount": _delete_discount,
    "add_discount_code": _add_code,
    "remove_discount_code": _remove_code,
    "create_gift_card": _create_gift_card,
    "use_gift_card": _use_gift_card,
    "disable_gift_card": _disable_gift_card,
    "pay_out": _pay_out,
    "open_dispute": _open_dispute,
    "decide_dispute": _decide_dispute,
    "set_metafield": _set_metafield,
    "merge_customers": _merge_customers,
}
