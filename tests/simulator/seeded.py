"""Seeded orders: the n-th order of a shop is a function of the seed and its place."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

from tests.simulator import chance, moments, people, pricing, words
from tests.simulator.catalogue import Catalogue
from tests.simulator.histories import Historian
from tests.simulator.ids import Ids
from tests.simulator.ledger import settle
from tests.simulator.model import Customer, Discount, Duty, Line, Order, Product, Shop, Variant
from tests.simulator.moments import DAY
from tests.simulator.money import Bag, exponent, scaled
from tests.simulator.returning import attach_returns

# Cumulative chance, name, and the days until the last thing happens to the order.
FATES = (
    (0.600, "fulfilled", (0.3, 4.0)),
    (0.690, "open", (0.0, 0.0)),
    (0.725, "authorized", (0.0, 0.0)),
    (0.750, "pending", (0.0, 0.0)),
    (0.785, "partly_fulfilled", (0.3, 6.0)),
    (0.850, "partly_refunded", (3.0, 40.0)),
    (0.885, "refunded", (3.0, 30.0)),
    (0.920, "cancelled", (0.05, 2.0)),
    (0.960, "edited", (0.1, 3.0)),
    (0.980, "adjusted", (2.0, 25.0)),
    (1.001, "declined", (0.01, 0.2)),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The cheap part of an order: enough to sort, search and count without making it."""

    created: int
    updated: int
    processed: int
    fate: str
    customer: int | None


class SeededOrders:
    """Makes the orders of one shop, each on its own."""

    # Orders come into being in the order of their ids.
    chronological = True

    def __init__(
        self,
        ids: Ids,
        shop: Shop,
        catalogue: Catalogue,
        *,
        seed: int,
        count: int,
        customers: int,
        as_of: int,
        months: int = 24,
    ) -> None:
        self._ids, self._shop, self._seed = ids, shop, seed
        self._count, self._customers, self._as_of = count, customers, as_of
        self._span = months * 30 * DAY
        self._country = words.CURRENCY_COUNTRY.get(shop.currency, "US")
        self._goods = [
            (product, variant)
            for product in catalogue.products
            if product.status == "ACTIVE" and not product.gift_card
            for variant in product.variants[:4]
        ] or [(product, variant) for product in catalogue.products for variant in product.variants]
        self._gifts = [(p, v) for p in catalogue.products if p.gift_card for v in p.variants]
        self._locations = catalogue.locations
        self._historian = Historian(ids)
        self._started = as_of - self._span
        self._days: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return self._count

    def plan(self, n: int) -> Plan:
        created = self._created(n)
        draw = chance.fraction(self._seed + 2, n)
        fate, days = next((name, days) for limit, name, days in FATES if draw < limit)
        offset = days[0] + (days[1] - days[0]) * chance.fraction(self._seed + 3, n)
        updated = created + 2 + int(offset * DAY)
        if updated > self._as_of:
            fate, updated = "open", created + 2
        processed = created
        if chance.fraction(self._seed + 4, n) < 0.02:
            processed = created - int(DAY * (1 + 20 * chance.fraction(self._seed + 5, n)))
        customer = None
        if self._customers and chance.fraction(self._seed + 6, n) > 0.12:
            customer = int(chance.fraction(self._seed + 7, n) ** 2 * self._customers)
        return Plan(created, updated, processed, fate, customer)

    def _created(self, n: int) -> int:
        """Spread orders over the months, mostly over waking hours of the shop's day.

        It grows with *n*: shelves rely on that.
        """
        spot = (n + chance.fraction(self._seed + 8, n)) / self._count * (self._span / DAY)
        day, hour = int(spot), (spot - int(spot)) * 24
        if hour < 1.5:
            hour *= 8 / 1.5
        elif hour < 22.5:
            hour = 8 + (hour - 1.5) * 0.667
        start, length = self._day(day)
        return min(start + int(hour / 24 * length), self._as_of - 10)

    def _day(self, day: int) -> tuple[int, int]:
        """When a day of the shop's wall clock begins, and its seconds."""
        if day not in self._days:
            first = dt.datetime.fromtimestamp(self._started, dt.UTC).date()
            start, end = (
                moments.of_local(first + dt.timedelta(days=day + k), 0, self._shop.timezone)
                for k in (0, 1)
            )
            self._days[day] = start, end - start
        return self._days[day]

    def order(self, n: int) -> Order:
        """Make the order, with its whole history."""
        plan = self.plan(n)
        rng = random.Random(chance.mixed(self._seed + 9, n))
        order = self._placed(n, plan, rng)
        self._live_through(order, plan, rng)
        attach_returns(order, self._ids)
        return settle(order)

    def fresh(self, n: int, *, at: int, rng: random.Random) -> Order:
        """An order placed just now, not paid for yet."""
        customer = int(rng.random() * self._customers) if rng.random() > 0.1 else None
        plan = Plan(at, at, at, "open", customer if self._customers else None)
        return self._placed(n, plan, rng)

    def _placed(self, n: int, plan: Plan, rng: random.Random) -> Order:
        buyer = self._buyer(plan.customer)
        currencies = self._currencies(rng)
        order = Order(
            id=self._ids.of("Order", n),
            number=1001 + n,
            created=plan.created,
            processed=plan.processed,
            updated=plan.created + 1,
            currencies=currencies,
            taxes_included=self._shop.taxes_included,
            lines=[],
            tip=Bag(0, 0, currencies),
            customer_id=buyer.id if buyer else None,
            email=buyer.email if buyer else f"guest{n}@example.org",
            phone=buyer.phone if buyer else None,
            confirmation=f"C{chance.mixed(7, n) % 36**8:09X}",
            test=rng.random() < 0.01,
        )
        self._decorate(order, buyer, rng)
        self._fill(order, n, rng)
        return order

    def _buyer(self, place: int | None) -> Customer | None:
        if place is None:
            return None
        return people.person(
            self._ids, place, seed=self._seed, country=self._country, started=self._started
        )

    def _currencies(self, rng: random.Random) -> tuple[str, str]:
        home = self._shop.currency
        abroad = [other for one, other in words.RATES if one == home]
        if abroad and rng.random() < 0.1:
            return home, abroad[int(rng.random() * len(abroad))]
        return home, home

    def _decorate(self, order: Order, buyer: Customer | None, rng: random.Random) -> None:
        home = buyer.default_address if buyer else None
        if home is None:
            first = words.FIRST_NAMES[int(rng.random() * len(words.FIRST_NAMES))]
            home = people.address(
                self._ids, rng, 0, 0, first=first, last="Guest", country=self._country
            )
        order.shipping_address = order.billing = home
        if rng.random() < 0.08:
            order.billing = None
        draw = rng.random()
        order.source_name = "web" if draw < 0.8 else "pos" if draw < 0.9 else "shopify_draft_order"
        if order.source_name == "pos":
            order.location_id = self._locations[1 % len(self._locations)].id
            order.app_id = 129785
        if rng.random() < 0.1:
            order.tags = [words.ORDER_TAGS[int(rng.random() * 4)]]
        if rng.random() < 0.08:
            order.note = 'Leave at the door / "thanks"'
        if rng.random() < 0.1:
            order.attributes = [("gift", "yes"), ("wrapping", "brown paper")]
        if rng.random() < 0.03:
            order.po_number = f"PO-{order.number}"

    def line_of(
        self, product: Product, variant: Variant, quantity: int, *, currencies: tuple[str, str]
    ) -> Line:
        """A line for *quantity* units at the price of the seeded catalogue."""
        shown = None if variant.title == "Default Title" else variant.title
        return Line(
            id=0,
            title=product.title,
            variant_title=shown,
            vendor=product.vendor,
            sku=variant.sku,
            quantity=quantity,
            current_quantity=quantity,
            price=Bag(variant.price, converted(variant.price, currencies), currencies),
            product_id=product.id,
            variant_id=variant.id,
            gift_card=product.gift_card,
            requires_shipping=not product.gift_card,
            taxable=not product.gift_card,
            grams=variant.grams,
        )

    def pick(self, rng: random.Random) -> tuple[Product, Variant]:
        return self._goods[int(rng.random() ** 2 * len(self._goods))]

    def _fill(self, order: Order, n: int, rng: random.Random) -> None:
        count = (1, 1, 1, 1, 2, 2, 2, 3, 4, 6)[int(rng.random() * 10)]
        for _ in range(count):
            product, variant = self.pick(rng)
            quantity = (1, 1, 1, 1, 1, 2, 2, 3, 5)[int(rng.random() * 9)]
            order.lines.append(
                self.line_of(product, variant, quantity, currencies=order.currencies)
            )
        if self._gifts and rng.random() < 0.015:
            order.lines.append(self.line_of(*self._gifts[0], 1, currencies=order.currencies))
        if rng.random() < 0.05:
            order.lines[0].properties = [("engraving", "Happy Birthday")]
        basket = self._basket(order, rng)
        indexes = self._discount(order, basket, rng)
        order.shipping = pricing.apply(basket, order.lines, indexes)
        self.number(order, n)
        if rng.random() < 0.015:
            self._add_duty(order, n)
        if order.source_name == "pos" and rng.random() < 0.3:
            order.tip = both(5 * 10 ** exponent(order.currencies[0]), order.currencies)
        settle(order)

    def number(self, order: Order, n: int) -> None:
        """Give lines and shipping lines their ids."""
        for place, line in enumerate(order.lines):
            line.id = self._ids.child("LineItem", n, place)
        for place, shipping in enumerate(order.shipping):
            shipping.id = self._ids.child("ShippingLine", n, place)
        order.next_child = len(order.lines)

    def _basket(self, order: Order, rng: random.Random) -> pricing.Basket:
        shipping = None
        if order.source_name != "pos":
            unit = 10 ** exponent(order.currencies[0])
            amount = (0, 5, 5, 8, 15)[int(rng.random() * 5)] * unit
            if unit == 1:
                amount *= 100
            shipping = (amount, converted(amount, order.currencies))
        return pricing.Basket(
            currencies=order.currencies,
            taxes_included=order.taxes_included,
            taxes=words.TAXES[self._country],
            units=[(line.price.shop, line.price.presentment) for line in order.lines],
            quantities=[line.quantity for line in order.lines],
            taxable=[line.taxable for line in order.lines],
            shipping=shipping,
        )

    def _discount(self, order: Order, basket: pricing.Basket, rng: random.Random) -> dict[str, int]:
        draw = rng.random()
        if draw < 0.12:
            percent = (10, 15, 20)[int(rng.random() * 3)]
            basket.order_percent = percent
            order.discounts.append(pricing.percent_discount(0, percent, code=f"SAVE{percent}"))
            return {"order": 0}
        if draw < 0.16:
            basket.order_percent = 7
            order.discounts.append(pricing.percent_discount(0, 7, code=None))
            return {"order": 0}
        if draw < 0.20:
            return self._fixed(order, basket)
        if draw < 0.23 and basket.shipping and basket.shipping[0]:
            basket.shipping_percent = 100
            order.discounts.append(_free_shipping(0))
            return {"shipping": 0}
        return {}

    def _fixed(self, order: Order, basket: pricing.Basket) -> dict[str, int]:
        """A manual amount off the first line, and a code for a fixed amount across the order."""
        off = 2 * 10 ** exponent(order.currencies[0])
        basket.line_fixed = {0: (off, converted(off, order.currencies))}
        basket.order_fixed = basket.line_fixed[0]
        text = f"{off / 10 ** exponent(order.currencies[0]):.1f}"
        order.discounts += [
            Discount(
                0, "manual", "EACH", "EXPLICIT", "LINE_ITEM", "fixed_amount", text,
                title="Scratched box", description="Agreed by phone",
            ),
            Discount(
                1, "code", "ACROSS", "ALL", "LINE_ITEM", "fixed_amount", text,
                title="TWOOFF", code="TWOOFF",
            ),
        ]  # fmt: skip
        return {"line": 0, "order": 1}

    def _add_duty(self, order: Order, n: int) -> None:
        line = order.lines[0]
        amount = scaled(line.price.shop * line.quantity, 8, 100)
        line.duties.append(
            Duty(
                id=self._ids.child("Duty", n, 0),
                country="CN",
                hs_code="420292",
                price=both(amount, order.currencies),
            )
        )

    def _live_through(self, order: Order, plan: Plan, rng: random.Random) -> None:
        does, at, end = self._historian, plan.created + 1, plan.updated
        assert order.totals is not None
        if plan.fate == "authorized":
            does.transact(order, "AUTHORIZATION", order.totals.total, at=at)
        elif plan.fate != "pending":
            if plan.fate == "declined":
                does.transact(order, "SALE", order.totals.total, at=at, status="FAILURE")
            does.pay(order, at=end if plan.fate == "declined" else at)
        where = self._locations[0].id
        if plan.fate in ("fulfilled", "partly_refunded", "refunded", "adjusted"):
            does.fulfill(order, at=min(plan.created + DAY, end), location_id=where)
        elif plan.fate == "partly_fulfilled":
            does.fulfill(order, at=end, location_id=where, every=False)
        self._end(order, plan, rng)
        order.updated = end
        if plan.fate == "fulfilled":
            order.closed = end

    def _end(self, order: Order, plan: Plan, rng: random.Random) -> None:
        does, at = self._historian, plan.updated
        lines = order.lines
        if plan.fate == "partly_refunded":
            line = lines[int(rng.random() * len(lines))]
            does.refund(order, [(line, max(1, line.quantity // 2))], at=at, note="Too small")
            if rng.random() < 0.3:
                does.refund(order, [], at=at, shipping=True)
        elif plan.fate == "refunded":
            does.refund(order, [(x, x.quantity) for x in lines], at=at, shipping=rng.random() < 0.5)
        elif plan.fate == "cancelled":
            does.cancel(order, at=at, reason=("CUSTOMER", "FRAUD", "OTHER")[int(rng.random() * 3)])
        elif plan.fate == "edited":
            extra = self.line_of(*self.pick(rng), 1, currencies=order.currencies)
            does.edit(order, at=at, removed=lines[0], added=extra if rng.random() < 0.6 else None)
        elif plan.fate == "adjusted":
            does.refund(order, [], at=at, discrepancy=3 * 10 ** exponent(order.currencies[0]))


def converted(amount: int, currencies: tuple[str, str]) -> int:
    """An amount of the shop's currency in the buyer's."""
    home, abroad = currencies
    if home == abroad:
        return amount
    numerator, denominator = words.RATES[currencies]
    shift = exponent(abroad) - exponent(home)
    if shift >= 0:
        return scaled(amount * 10**shift, numerator, denominator)
    return scaled(amount, numerator, denominator * 10**-shift)


def both(amount: int, currencies: tuple[str, str]) -> Bag:
    return Bag(amount, converted(amount, currencies), currencies)


def _free_shipping(index: int) -> Discount:
    return Discount(
        index, "code", "EACH", "ALL", "SHIPPING_LINE", "percentage", "100.0",
        title="FREESHIP", code="FREESHIP",
    )  # fmt: skip
