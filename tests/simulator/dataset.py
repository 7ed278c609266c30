"""A real retailer's two years as a store: invoices are orders, credit notes are refunds."""

from __future__ import annotations

import datetime as dt
import random
import zoneinfo

from tests.simulator import dataset_credits, world
from tests.simulator.catalogue import VARIANTS, Catalogue
from tests.simulator.dataset_credits import Matching, Taken
from tests.simulator.dataset_report import report
from tests.simulator.dataset_rows import Rows, read_rows
from tests.simulator.histories import Historian
from tests.simulator.ids import Ids
from tests.simulator.ledger import settle
from tests.simulator.model import (
    QUANTITY_NAMES,
    Address,
    Customer,
    InventoryItem,
    Level,
    Line,
    Location,
    Option,
    Order,
    Product,
    Variant,
)
from tests.simulator.moments import DAY
from tests.simulator.money import Bag
from tests.simulator.seeded import Plan

MONEY = ("GBP", "GBP")
ZONE = zoneinfo.ZoneInfo("Europe/London")
COUNTRIES = {
    "United Kingdom": "GB", "EIRE": "IE", "Germany": "DE", "France": "FR", "Netherlands": "NL",
    "Spain": "ES", "Switzerland": "CH", "Belgium": "BE", "Portugal": "PT", "Australia": "AU",
    "Italy": "IT", "Sweden": "SE", "Norway": "NO", "Cyprus": "CY", "Finland": "FI",
    "Austria": "AT", "Denmark": "DK", "Greece": "GR", "Japan": "JP", "USA": "US", "Poland": "PL",
    "Israel": "IL", "Hong Kong": "HK", "Singapore": "SG", "Iceland": "IS", "Canada": "CA",
    "Malta": "MT", "Lithuania": "LT", "Bahrain": "BH", "RSA": "ZA", "Brazil": "BR",
    "United Arab Emirates": "AE", "Lebanon": "LB", "Korea": "KR", "Thailand": "TH",
    "Bermuda": "BM", "Nigeria": "NG", "Czech Republic": "CZ", "Saudi Arabia": "SA",
}  # fmt: skip


def _epoch(naive: dt.datetime) -> int:
    return int(naive.replace(tzinfo=ZONE).timestamp())


class RetailOrders:
    """Makes the orders of the data set on demand; zero orders stand among them by date."""

    def __init__(self, ids: Ids, rows: Rows, matching: Matching, location: int) -> None:
        self._ids, self._rows, self._location = ids, rows, location
        self._historian = Historian(ids)
        self._people = {number: place for place, (number, _, _) in enumerate(rows.people)}
        entries: list[tuple[dt.datetime, str, int, list[Taken]]] = [
            (at, invoice, place, matching.refunds.get(place, []))
            for place, (at, invoice) in enumerate(zip(rows.dates, rows.invoices, strict=True))
        ]
        entries += [(c.at, note, -1, [t]) for note, (c, t) in matching.zeros.items()]
        entries.sort(key=lambda entry: entry[:2])
        self._zeros = {note: credit for note, (credit, _) in matching.zeros.items()}
        self._entries = entries
        self._plans = [self._planned(*entry) for entry in entries]

    def __len__(self) -> int:
        return len(self._entries)

    def _planned(self, at: dt.datetime, note: str, place: int, taken: list[Taken]) -> Plan:
        created = _epoch(at)
        last = max((_epoch(one.at) for one in taken), default=0)
        number = self._zeros[note].customer if place < 0 else self._rows.customers[place]
        customer = self._people[number] if number is not None else None
        return Plan(created, max(created + DAY, last), created, "retail", customer)

    def plan(self, n: int) -> Plan:
        return self._plans[n]

    def order(self, n: int) -> Order:
        """Make the order of one invoice, with the refunds that credit notes cause."""
        _, invoice, place, taken = self._entries[n]
        plan = self._plans[n]
        order = self._empty(n, int(invoice.lstrip("C")), plan)
        country = self._zeros[invoice].country if place < 0 else self._rows.countries[place]
        order.billing = order.shipping_address = address_in(country)
        order.lines = self._lines(n, place) if place >= 0 else [_credit_line(self._ids, n, invoice)]
        order.next_child = len(order.lines)
        settle(order)
        self._historian.pay(order, at=plan.created)
        shipped = min([plan.created + DAY, *(_epoch(one.at) for one in taken)])
        self._historian.fulfill(order, at=shipped, location_id=self._location)
        for one in taken:
            self._refund(order, one)
        order.updated = plan.updated
        order.closed = plan.created + DAY
        return settle(order)

    def _refund(self, order: Order, taken: Taken) -> None:
        units = [(order.lines[line], count) for line, count in taken.units]
        self._historian.refund(
            order,
            units,
            at=_epoch(taken.at),
            discrepancy=taken.beyond,
            note=taken.note,
            beyond=True,
        )

    def _empty(self, n: int, number: int, plan: Plan) -> Order:
        customer = plan.customer
        return Order(
            id=self._ids.of("Order", n),
            number=number,
            created=plan.created,
            processed=plan.processed,
            updated=plan.created,
            currencies=MONEY,
            taxes_included=False,
            lines=[],
            tip=Bag(0, 0, MONEY),
            customer_id=self._ids.of("Customer", customer) if customer is not None else None,
            email=_email(self._rows.people[customer][0]) if customer is not None else None,
        )

    def _lines(self, n: int, place: int) -> list[Line]:
        rows = self._rows
        start, stop = rows.starts[place], rows.starts[place + 1]
        return [
            self._line(rows.codes[at], rows.quantities[at], rows.prices[at],
                       self._ids.child("LineItem", n, at - start))
            for at in range(start, stop)
        ]  # fmt: skip

    def _line(self, code: int, quantity: int, price: int, number: int) -> Line:
        sku, title, _ = self._rows.goods[code]
        return Line(
            id=number,
            title=title,
            variant_title=None,
            vendor="Online Retail",
            sku=sku,
            quantity=quantity,
            current_quantity=quantity,
            price=Bag(price, price, MONEY),
            product_id=self._ids.of("Product", code),
            variant_id=self._ids.of("ProductVariant", code * VARIANTS),
            taxable=False,
        )

    def fresh(self, n: int, *, at: int, rng: random.Random) -> Order:
        """A new order, for live actions."""
        people = len(self._rows.people)
        plan = Plan(at, at, at, "retail", int(rng.random() * people) if people else None)
        order = self._empty(n, 900_000 + n, plan)
        for k in range(rng.randrange(1, 12)):
            product, variant = self.pick(rng)
            line = self.line_of(product, variant, rng.randrange(1, 25), currencies=MONEY)
            line.id = self._ids.child("LineItem", n, k)
            order.lines.append(line)
        order.next_child = len(order.lines)
        order.billing = order.shipping_address = address_in("United Kingdom")
        return settle(order)

    def pick(self, rng: random.Random) -> tuple[int, int]:
        code = rng.randrange(len(self._rows.goods))
        return code, self._rows.goods[code][2]

    def line_of(
        self, product: int, variant: int, quantity: int, *, currencies: tuple[str, str]
    ) -> Line:
        return self._line(product, quantity, variant, 0)


def _credit_line(ids: Ids, n: int, note: str) -> Line:
    """What an order over nothing sells: the credit note's number, for nothing."""
    return Line(
        id=ids.child("LineItem", n, 0),
        title=f"Credit note {note}",
        variant_title=None,
        vendor=None,
        sku=None,
        quantity=1,
        current_quantity=1,
        price=Bag(0, 0, MONEY),
        requires_shipping=False,
        taxable=False,
    )


def _email(number: int) -> str:
    return f"customer{number}@example.com"


def address_in(country: str, number: int = 0) -> Address:
    return Address(
        last_name="Retail customer", country=country, country_code=COUNTRIES.get(country), id=number
    )


def build_dataset_world(recipe: world.Recipe) -> world.World:
    """Make the shop of a recipe that names a data set."""
    assert recipe.dataset is not None
    rows = read_rows(recipe.dataset)
    matching = dataset_credits.match(rows)
    ids = Ids(recipe.domain)
    started = _epoch(min(rows.dates)) - DAY
    shop = world.shop_of(recipe, ids, started)
    stock = _catalogue(ids, rows, started)
    book = RetailOrders(ids, rows, matching, stock.locations[0].id)

    def person(n: int) -> Customer:
        return _person(ids, rows, n)

    made = world.assemble(
        recipe, ids, shop, stock=stock, book=book, person=person, people_count=len(rows.people)
    )
    made.dataset = report(rows, matching, len(book))
    return made


def _catalogue(ids: Ids, rows: Rows, started: int) -> Catalogue:
    where = address_in("United Kingdom")
    location = Location(ids.of("Location", 0), "Warehouse", True, True, started, started, where)
    products, items = [], []
    for n, (code, title, price) in enumerate(rows.goods):
        product, item = _product(ids, n, code, title, price=price, at=started)
        quantities = dict.fromkeys((name for name in QUANTITY_NAMES if name != "on_hand"), 0)
        number = ids.of("InventoryLevel", n * VARIANTS * 16)
        item.levels[location.id] = Level(
            number, item.id, location.id, started, started, True, quantities
        )
        products.append(product)
        items.append(item)
    return Catalogue(products, items, [location])


def _product(
    ids: Ids, n: int, code: str, title: str, *, price: int, at: int
) -> tuple[Product, InventoryItem]:
    item = InventoryItem(
        ids.of("InventoryItem", n * VARIANTS), ids.of("ProductVariant", n * VARIANTS), code,
        False, True, None, None, None, at, at, None, {},
    )  # fmt: skip
    product = Product(
        ids.of("Product", n), title, f"{title.lower().replace(' ', '-')}-{n}", "ACTIVE",
        "Online Retail", "Gift ware", [], "", False, at, at, at,
        [Option(ids.of("ProductOption", n * 8), "Title", 1, ["Default Title"])], [], [],
    )  # fmt: skip
    product.variants.append(
        Variant(
            item.variant_id, product.id, item.id, "Default Title", code, None, price, None, 1,
            False, "CONTINUE", at, at, [("Title", "Default Title")],
        )
    )  # fmt: skip
    return product, item


def _person(ids: Ids, rows: Rows, n: int) -> Customer:
    number, country, first = rows.people[n]
    home = address_in(country, ids.of("MailingAddress", n * 16))
    at = _epoch(first)
    return Customer(
        ids.of("Customer", n), None, f"Customer {number}", _email(number), None, "DISABLED", True,
        False, None, [], "en", at, at, [home], home.id, "NOT_SUBSCRIBED", None,
    )  # fmt: skip
