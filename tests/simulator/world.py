"""One shop and everything in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.simulator import (
    catalogue,
    drafting,
    extras,
    fulfilling,
    ledger,
    metafields,
    people,
    words,
)
from tests.simulator.histories import Historian
from tests.simulator.ids import Ids
from tests.simulator.model import Customer, InventoryItem, Location, Order, Product, Shop, Variant
from tests.simulator.moments import DAY
from tests.simulator.money import Money
from tests.simulator.prototypes import PrototypedOrders
from tests.simulator.seeded import Plan, SeededOrders
from tests.simulator.shelf import Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a shop is made from; equal recipes make equal shops."""

    domain: str
    seed: int = 7
    orders: int = 2000
    products: int = 120
    customers: int = 800
    currency: str = "USD"
    timezone: str = "America/New_York"
    taxes_included: bool = False
    plan: str = "standard"
    as_of: int = 0
    dataset: str | None = None
    # How many of the orders differ; 0 is all of them, or some hundreds in a large shop.
    prototypes: int = 0
    # Whether the shop is paid by Shopify Payments.
    payments: bool = True


LARGE, PROTOTYPES = 20_000, 400


class OrderBook(Protocol):
    """Where the original orders of a shop come from."""

    def __len__(self) -> int: ...
    def plan(self, n: int) -> Plan: ...
    def order(self, n: int) -> Order: ...


@dataclass(slots=True)
class World:
    recipe: Recipe
    ids: Ids
    shop: Shop
    orders: Shelf[Order]
    customers: Shelf[Customer]
    products: Shelf[Product]
    items: Shelf[InventoryItem]
    locations: dict[int, Location]
    seeded: Any
    historian: Historian
    book: OrderBook
    dataset: dict[str, object] | None = None
    fulfillment_orders: Any = None
    draft_orders: Any = None
    checkouts: Any = None
    # Of extras and metafields.
    collections: Any = None
    discounts: Any = None
    gift_cards: Any = None
    payouts: Any = None
    disputes: Any = None
    balance_transactions: Any = None
    events: Any = None
    metafields: Any = None
    # Grows with changes of the shop itself and of its locations.
    version: int = 0
    _new_orders: int = 0
    _new_products: int = 0
    _new_customers: int = 0
    _new: Counter[str] = field(default_factory=Counter)
    _by_customer: dict[int, set[int]] | None = None
    # Orders that were placed, or went to another customer, since the shop was made.
    last_variants: dict[int, int] = field(default_factory=dict)
    _moved: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def next_order(self) -> int:
        """The place of a new order, behind all others."""
        self._new_orders += 1
        return len(self.book) + self._new_orders - 1

    def next_product(self) -> int:
        self._new_products += 1
        return self.products.originals + self._new_products - 1

    def next_customer(self) -> int:
        self._new_customers += 1
        return self.customers.originals + self._new_customers - 1

    def next_place(self, shelf: str) -> int:
        """The place of a new thing on *shelf*, behind all others."""
        self._new[shelf] += 1
        return int(getattr(self, shelf).originals) + self._new[shelf] - 1

    def put_order(self, order: Order) -> None:
        ledger.settle(order)
        self.orders.put(order.id, order)
        if order.customer_id is not None:
            self._moved[order.customer_id].add(order.id)
        fulfilling.refresh(self, order)

    def remove_order(self, order: Order) -> None:
        self.orders.remove(order.id)
        fulfilling.forget(self, order)

    def orders_of(self, customer: int) -> list[int]:
        """The ids of a customer's orders, oldest first."""
        found = {n for n in self._originals_of(customer) if self.orders.untouched(n)}
        for number in self._moved.get(customer, ()):
            order = self.orders.changed(number)
            if order is not None and order.customer_id == customer:
                found.add(number)
        return sorted(found)

    def _originals_of(self, customer: int) -> Iterable[int]:
        if hasattr(self.book, "orders_of"):
            places = self.book.orders_of(self.ids.sequence("Customer", customer))
            return (self.ids.of("Order", n) for n in places)
        if self._by_customer is None:
            by_customer: dict[int, set[int]] = defaultdict(set)
            for n in range(len(self.book)):
                buyer = self.book.plan(n).customer
                if buyer is not None:
                    by_customer[self.ids.of("Customer", buyer)].add(self.ids.of("Order", n))
            self._by_customer = by_customer
        return self._by_customer.get(customer, ())

    def spent_by(self, customer: int) -> Money:
        """Received minus refunded over the customer's real orders."""
        whole = sum(self._spent_on(number) for number in self.orders_of(customer))
        return Money(whole, self.shop.currency)

    def _spent_on(self, number: int) -> int:
        if hasattr(self.book, "spent") and self.orders.untouched(number):
            return int(self.book.spent(self.ids.sequence("Order", number)))
        order = self.orders.get(number)
        if order is None or order.totals is None or order.test:
            return 0
        return order.totals.received.shop - order.totals.refunded.shop

    def customer_by_email(self, email: str) -> Customer | None:
        """Who has the address: seeded customers have their place in it."""
        wanted = email.lower()
        for one in self.customers.everything_changed():
            if (one.email or "").lower() == wanted:
                return one
        place = wanted.removeprefix("customer").removesuffix("@example.com")
        if not place.isdecimal():
            return None
        number = self.ids.of("Customer", int(place))
        found = self.customers.get(number) if self.customers.untouched(number) else None
        return found if found is not None and found.email == wanted else None

    def variant(self, number: int) -> Variant | None:
        place = self.ids.sequence("ProductVariant", number) // catalogue.VARIANTS
        product = self.products.get(self.ids.of("Product", place))
        if product is None:
            return None
        return next((one for one in product.variants if one.id == number), None)

    def available(self, item: int) -> int:
        found = self.items.get(item)
        if found is None:
            return 0
        return sum(one.quantities["available"] for one in found.levels.values() if one.active)


def build_world(recipe: Recipe) -> World:
    """Make the shop of *recipe*: seeded, or from a data set on disk."""
    if recipe.dataset is not None:
        from tests.simulator.dataset import build_dataset_world

        return build_dataset_world(recipe)
    ids = Ids(recipe.domain)
    started = recipe.as_of - 24 * 30 * DAY
    shop = shop_of(recipe, ids, started)
    stock = catalogue.build_catalogue(
        ids, seed=recipe.seed, count=recipe.products, currency=recipe.currency, started=started
    )
    frozen = catalogue.build_catalogue(
        ids, seed=recipe.seed, count=recipe.products, currency=recipe.currency, started=started
    )
    known = {
        "seed": recipe.seed,
        "count": recipe.orders,
        "customers": recipe.customers,
        "as_of": recipe.as_of,
    }
    prototypes = recipe.prototypes or (PROTOTYPES if recipe.orders > LARGE else 0)
    book = (
        PrototypedOrders(ids, shop, frozen, prototypes=prototypes, **known)
        if prototypes
        else SeededOrders(ids, shop, frozen, **known)
    )
    country = words.CURRENCY_COUNTRY.get(recipe.currency, "US")

    def make_person(n: int) -> Customer:
        return people.person(ids, n, seed=recipe.seed, country=country, started=started)

    def times_of(n: int, key: str) -> int:
        return people.times(n, seed=recipe.seed, started=started)[key == "updated"]

    return assemble(
        recipe, ids, shop, stock=stock, book=book, person=make_person,
        people_count=recipe.customers, times=times_of,
    )  # fmt: skip


def shop_of(recipe: Recipe, ids: Ids, created: int) -> Shop:
    name = recipe.domain.partition(".")[0].replace("-", " ").title()
    return Shop(
        id=ids.of("Shop", 0),
        domain=recipe.domain,
        name=name,
        email=f"owner@{recipe.domain.partition('.')[0]}.example.com",
        currency=recipe.currency,
        timezone=recipe.timezone,
        taxes_included=recipe.taxes_included,
        plan=recipe.plan,
        created=created,
    )


def assemble(
    recipe: Recipe,
    ids: Ids,
    shop: Shop,
    *,
    stock: catalogue.Catalogue,
    book: Any,
    person: Any,
    people_count: int,
    times: Any = None,
) -> World:
    """Put catalogue, orders and people on their shelves."""
    made = World(
        recipe=recipe,
        ids=ids,
        shop=shop,
        orders=_order_shelf(ids, book),
        customers=_customer_shelf(ids, person, people_count, times),
        products=_product_shelf(ids, stock.products),
        items=_item_shelf(ids, stock.items),
        locations={one.id: one for one in stock.locations},
        seeded=book,
        historian=Historian(ids),
        book=book,
    )
    made.fulfillment_orders = fulfilling.shelf_of(made)
    made.draft_orders = drafting.draft_shelf(made)
    made.checkouts = drafting.checkout_shelf(made)
    extras.furnish(made)
    made.metafields = metafields.Metafields(made)
    return made


def _read(thing: Any, key: str) -> int:
    return int(getattr(thing, key, thing.updated if key == "updated" else thing.created))


def _stamps(thing: Any) -> dict[str, int]:
    """The original times, kept apart because the thing is changed in place."""
    return {key: _read(thing, key) for key in ("created", "updated", "processed")}


def _order_shelf(ids: Ids, book: Any) -> Shelf[Order]:
    return Shelf(
        count=len(book),
        make=book.order,
        stamp=lambda n, key: int(getattr(book.plan(n), key)),
        read=_read,
        number=lambda n: ids.of("Order", n),
        place=lambda number: ids.sequence("Order", number),
        sorted_by=("created",) if getattr(book, "chronological", False) else (),
        kept=2_000 if hasattr(book, "key") else 20_000,
        getters={
            "default": lambda o: [o.name, str(o.number), o.email],
            "name": lambda o: [o.name, str(o.number)],
            "email": lambda o: o.email,
            "tag": lambda o: o.tags,
            "test": lambda o: o.test,
            "status": _order_status,
            "financial_status": ledger.financial_status,
            "fulfillment_status": ledger.fulfillment_status,
            "customer_id": lambda o: o.customer_id,
            "source_name": lambda o: o.source_name,
        },
    )


def _order_status(order: Order) -> list[str]:
    if order.cancelled:
        return ["cancelled", "not_open"]
    return ["closed", "not_open"] if order.closed else ["open"]


def _customer_shelf(ids: Ids, person: Any, count: int, times: Any) -> Shelf[Customer]:
    return Shelf(
        count=count,
        make=person,
        stamp=lambda n, key: times(n, key) if times else _read(person(n), key),
        read=_read,
        number=lambda n: ids.of("Customer", n),
        place=lambda number: ids.sequence("Customer", number),
        getters={
            "default": lambda c: [c.email, c.first_name, c.last_name],
            "email": lambda c: c.email,
            "phone": lambda c: c.phone,
            "tag": lambda c: c.tags,
            "state": lambda c: c.state,
            "first_name": lambda c: c.first_name,
            "last_name": lambda c: c.last_name,
        },
    )


def _product_shelf(ids: Ids, products: list[Product]) -> Shelf[Product]:
    stamps = [_stamps(one) for one in products]
    return Shelf(
        count=len(products),
        make=products.__getitem__,
        stamp=lambda n, key: stamps[n][key],
        read=_read,
        number=lambda n: ids.of("Product", n),
        place=lambda number: ids.sequence("Product", number),
        getters={
            "default": lambda p: [p.title, p.handle],
            "title": lambda p: p.title,
            "handle": lambda p: p.handle,
            "status": lambda p: p.status,
            "vendor": lambda p: p.vendor,
            "product_type": lambda p: p.kind,
            "tag": lambda p: p.tags,
            "sku": lambda p: [v.sku for v in p.variants],
        },
    )


def _item_shelf(ids: Ids, items: list[InventoryItem]) -> Shelf[InventoryItem]:
    items = sorted(items, key=lambda one: one.id)
    by_id = {one.id: place for place, one in enumerate(items)}
    beyond = len(items)
    stamps = [_stamps(one) for one in items]
    return Shelf(
        count=len(items),
        make=items.__getitem__,
        stamp=lambda n, key: stamps[n][key],
        read=_read,
        number=lambda n: items[n].id,
        place=lambda number: by_id.get(number, beyond),
        getters={"default": lambda i: i.sku, "sku": lambda i: i.sku},
    )
