"""What a shop has besides orders, goods and people: collections, discounts, cards and money."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from tests.simulator import words
from tests.simulator.moments import DAY
from tests.simulator.money import exponent
from tests.simulator.shelf import Shelf
from tests.simulator.small_shelf import small_shelf

CODES = 1 << 20
COMBINES = ("orderDiscounts", "productDiscounts", "shippingDiscounts")
_WEEKS, _PAYOUT_DAYS, _PER_PAYOUT = 24, 4, 5


@dataclass(slots=True)
class Collection:
    """*rules* is None where members were chosen by hand; then *chosen* names them in order."""

    id: int
    title: str
    handle: str
    description: str
    sort_order: str
    created: int
    updated: int
    rules: list[tuple[str, str, str]] | None = None
    any_rule: bool = False
    chosen: list[int] = field(default_factory=list)
    template: str | None = None
    image: str | None = None


@dataclass(slots=True)
class RedeemCode:
    id: int
    code: str
    uses: int = 0


@dataclass(slots=True)
class Promotion:
    """A discount; *kind* is its type in the union ``Discount``."""

    id: int
    kind: str
    title: str
    summary: str
    classes: list[str]
    combines: dict[str, bool]
    starts: int
    ends: int | None
    created: int
    updated: int
    usage: int = 0
    limit: int | None = None
    once: bool = False
    sales: int | None = None
    status: str = "ACTIVE"
    codes: list[RedeemCode] = field(default_factory=list)

    @property
    def typename(self) -> str:
        return "DiscountNode"

    @property
    def by_code(self) -> bool:
        return self.kind.startswith("DiscountCode")


class Terms:
    """A promotion seen as a member of the union."""

    def __init__(self, promotion: Promotion) -> None:
        self._promotion = promotion
        self.typename = promotion.kind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._promotion, name)


@dataclass(slots=True)
class GiftCard:
    id: int
    last: str
    initial: int
    balance: int
    created: int
    updated: int
    customer_id: int | None = None
    order_id: int | None = None
    note: str | None = None
    expires: str | None = None
    disabled: int | None = None


@dataclass(slots=True)
class Payout:
    id: int
    status: str
    created: int
    parts: dict[str, int]

    @property
    def updated(self) -> int:
        return self.created

    @property
    def typename(self) -> str:
        return "ShopifyPaymentsPayout"

    @property
    def net(self) -> int:
        gross = sum(amount for name, amount in self.parts.items() if name.endswith("Gross"))
        return gross - sum(amount for name, amount in self.parts.items() if "Fee" in name[-4:])


@dataclass(slots=True)
class Dispute:
    id: int
    kind: str
    status: str
    reason: str
    network_code: str | None
    amount: int
    order_id: int | None
    created: int
    due: int | None
    sent: int | None = None
    finalized: int | None = None

    @property
    def updated(self) -> int:
        return self.created

    @property
    def typename(self) -> str:
        return "ShopifyPaymentsDispute"


@dataclass(slots=True)
class BalanceTransaction:
    id: int
    kind: str
    amount: int
    fee: int
    created: int
    payout_id: int | None
    source_type: str | None
    source_id: int | None
    order_id: int | None
    test: bool = False

    @property
    def updated(self) -> int:
        return self.created

    @property
    def typename(self) -> str:
        return "ShopifyPaymentsBalanceTransaction"

    @property
    def net(self) -> int:
        return self.amount - self.fee


@dataclass(slots=True)
class Event:
    id: int
    action: str
    created: int
    subject_id: str
    subject_type: str

    @property
    def updated(self) -> int:
        return self.created

    @property
    def typename(self) -> str:
        return "BasicEvent"


def furnish(world: Any) -> None:
    """Put everything of this module on the shelves of *world*."""
    rng = random.Random(f"extras:{world.recipe.seed}")
    world.collections = _collections(world, rng)
    world.discounts = _discounts(world, rng)
    world.gift_cards = _gift_cards(world, rng)
    world.payouts, world.balance_transactions = _payments(world, rng)
    world.disputes = _disputes(world, rng)
    world.events = small_shelf(
        [],
        world.ids,
        "Event",
        {"action": lambda e: e.action, "subject_type": lambda e: e.subject_type},
    )


def unit(world: Any) -> int:
    """Minor units of one unit of the shop's currency."""
    return int(10 ** exponent(world.shop.currency))


def _began(world: Any) -> int:
    return int(world.shop.created)


def _collections(world: Any, rng: random.Random) -> Shelf[Collection]:
    rules: list[tuple[str, str, list[tuple[str, str, str]] | None, str]] = [
        ("Everything", "CREATED", [("VARIANT_PRICE", "GREATER_THAN", "0")], "<p>All of it</p>"),
        ("Gifts", "ALPHA_ASC", [("TAG", "EQUALS", "gift")], ""),
        ("Sale or new", "ALPHA_DESC", [("TAG", "EQUALS", "sale"), ("TAG", "EQUALS", "new")], ""),
        ("Northway", "BEST_SELLING", [("VENDOR", "EQUALS", words.VENDORS[0])], "<p>N & Co</p>"),
        ("Home page", "MANUAL", None, '<p>Chosen "by" hand</p>'),
        ("Staff picks", "MANUAL", None, ""),
        ("Nothing yet", "MANUAL", None, ""),
    ]
    products = [world.ids.of("Product", n) for n in range(world.products.originals)]
    made: list[Collection] = []
    for n, (title, order, wanted, text) in enumerate(rules):
        count = 0 if title == "Nothing yet" else min(len(products), 3 + n)
        created = _began(world) + n * DAY
        number = world.ids.of("Collection", n)
        made.append(
            Collection(
                id=number,
                title=title,
                handle=title.lower().replace(" ", "-"),
                description=text,
                sort_order=order,
                created=created,
                updated=created + rng.randrange(100 * DAY),
                rules=wanted,
                any_rule=title.startswith("Sale"),
                chosen=rng.sample(products, count) if wanted is None else [],
                template="wide" if n == 1 else None,
                image=f"https://cdn.shopify.com/s/files/1/{number}.jpg" if n % 2 == 0 else None,
            )
        )
    return small_shelf(
        made,
        world.ids,
        "Collection",
        {
            "default": lambda c: [c.title, c.handle],
            "title": lambda c: c.title,
            "handle": lambda c: c.handle,
            "collection_type": lambda c: "custom" if c.rules is None else "smart",
        },
    )


def members(collection: Collection, world: Any) -> list[Any]:
    """The products of *collection* in its order."""
    if collection.rules is None:
        found = [world.products.get(number) for number in collection.chosen]
        return [one for one in found if one is not None]
    fit = any if collection.any_rule else all
    chosen = [
        one for one in world.products if fit(_follows(one, rule) for rule in collection.rules)
    ]
    by_title = collection.sort_order.startswith("ALPHA")
    descending = collection.sort_order.endswith("DESC")
    return sorted(
        chosen, key=lambda one: (one.title if by_title else "", one.id), reverse=descending
    )


def _follows(product: Any, rule: tuple[str, str, str]) -> bool:
    column, _, wanted = rule
    if column == "TAG":
        return wanted in product.tags
    if column == "VENDOR":
        return bool(product.vendor == wanted)
    return any(variant.price > int(wanted) for variant in product.variants)


KINDS = (
    ("DiscountCodeBasic", ["ORDER"]),
    ("DiscountAutomaticBasic", ["PRODUCT"]),
    ("DiscountCodeBxgy", ["PRODUCT"]),
    ("DiscountAutomaticBxgy", ["PRODUCT"]),
    ("DiscountCodeFreeShipping", ["SHIPPING"]),
    ("DiscountAutomaticFreeShipping", ["SHIPPING"]),
    ("DiscountCodeApp", ["ORDER", "SHIPPING"]),
    ("DiscountAutomaticApp", ["ORDER"]),
)


def promotion(world: Any, n: int, rng: random.Random, *, at: int, codes: int) -> Promotion:
    """The *n*-th discount, made at *at*; an automatic one has no codes."""
    kind, classes = KINDS[n % len(KINDS)]
    by_code = kind.startswith("DiscountCode")
    first = n * CODES
    return Promotion(
        id=world.ids.of("DiscountNode", n),
        kind=kind,
        title=f"CODE{n}" if by_code else f"Automatic {n}",
        summary=f"{5 + n} % off, in two words",
        classes=list(classes),
        combines={name: rng.random() < 0.5 for name in COMBINES},
        starts=at,
        ends=at + 400 * DAY if rng.random() < 0.4 else None,
        created=at,
        updated=at + rng.randrange(60 * DAY),
        usage=rng.randrange(200),
        limit=1000 if by_code and rng.random() < 0.5 else None,
        once=by_code and rng.random() < 0.5,
        sales=rng.randrange(10**6) if by_code else None,
        status="EXPIRED" if rng.random() < 0.2 else "ACTIVE",
        codes=[
            RedeemCode(
                world.ids.of("DiscountRedeemCode", first + k), f"CODE{n}-{k}", rng.randrange(9)
            )
            for k in range(codes if by_code else 0)
        ],
    )


def _discounts(world: Any, rng: random.Random) -> Shelf[Promotion]:
    # One has more codes than a page holds.
    made = [
        promotion(world, n, rng, at=_began(world) + n * 3 * DAY, codes=300 if n == 8 else 1 + n % 3)
        for n in range(20)
    ]
    return small_shelf(
        made,
        world.ids,
        "DiscountNode",
        {
            "default": lambda d: d.title,
            "title": lambda d: d.title,
            "status": lambda d: d.status,
            "method": lambda d: "code" if d.by_code else "automatic",
            "code": lambda d: [one.code for one in d.codes],
        },
    )


def gift_card(world: Any, n: int, rng: random.Random, *, at: int) -> GiftCard:
    initial = rng.randrange(10, 200) * unit(world)
    bought = rng.random() < 0.5 and len(world.book) > 0
    return GiftCard(
        id=world.ids.of("GiftCard", n),
        last=f"{rng.randrange(16**4):04x}",
        initial=initial,
        balance=initial if rng.random() < 0.5 else rng.randrange(initial),
        created=at,
        updated=at + rng.randrange(20 * DAY),
        customer_id=_someone(world, rng),
        order_id=world.ids.of("Order", rng.randrange(len(world.book))) if bought else None,
        note="For a birthday" if rng.random() < 0.3 else None,
        expires="2029-06-30" if rng.random() < 0.5 else None,
    )


def _someone(world: Any, rng: random.Random) -> int | None:
    count = world.customers.originals
    if rng.random() < 0.3 or not count:
        return None
    return int(world.ids.of("Customer", rng.randrange(count)))


def _gift_cards(world: Any, rng: random.Random) -> Shelf[GiftCard]:
    made = [gift_card(world, n, rng, at=_began(world) + n * 5 * DAY) for n in range(30)]
    return small_shelf(
        made,
        world.ids,
        "GiftCard",
        {
            "default": lambda g: g.last,
            "status": lambda g: "disabled" if g.disabled else "enabled",
            "balance_status": lambda g: "empty" if g.balance == 0 else "full_or_partial",
        },
    )


def _payments(world: Any, rng: random.Random) -> tuple[Shelf[Payout], Shelf[BalanceTransaction]]:
    """Payouts every few days until the shop's last day, each of some transactions."""
    payouts: list[Payout] = []
    moves: list[BalanceTransaction] = []
    count = _WEEKS * 7 // _PAYOUT_DAYS if world.recipe.payments and len(world.book) else 0
    for n in range(count):
        at = world.recipe.as_of - (count - n) * _PAYOUT_DAYS * DAY
        made = [
            balance_transaction(world, n * _PER_PAYOUT + k, rng, at=at - DAY + k * 60)
            for k in range(_PER_PAYOUT)
        ]
        payouts.append(payout(world, n, made, at=at))
        payouts[-1].status = "PAID" if n < count - 2 else "IN_TRANSIT"
        moves += made
    words_of = {"status": lambda p: p.status, "payout_status": lambda p: p.status}
    return (
        small_shelf(payouts, world.ids, "ShopifyPaymentsPayout", words_of),
        small_shelf(
            moves,
            world.ids,
            "ShopifyPaymentsBalanceTransaction",
            {"transaction_type": lambda t: t.kind},
        ),
    )


def payout(world: Any, n: int, moves: list[BalanceTransaction], *, at: int) -> Payout:
    """A payout of *moves*, which from now on belong to it."""
    made = Payout(
        id=world.ids.of("ShopifyPaymentsPayout", n), status="SCHEDULED", created=at, parts={}
    )
    for one in moves:
        one.payout_id = made.id
    charges = [one for one in moves if one.kind == "CHARGE"]
    refunds = [one for one in moves if one.kind == "REFUND"]
    others = [one for one in moves if one.kind == "ADJUSTMENT"]
    made.parts = {
        "chargesGross": sum(one.amount for one in charges),
        "chargesFee": sum(one.fee for one in charges),
        "refundsFeeGross": sum(one.amount for one in refunds),
        "refundsFee": sum(one.fee for one in refunds),
        "adjustmentsGross": sum(one.amount for one in others),
        "adjustmentsFee": sum(one.fee for one in others),
    }
    return made


def balance_transaction(world: Any, n: int, rng: random.Random, *, at: int) -> BalanceTransaction:
    kind = ("CHARGE", "CHARGE", "CHARGE", "REFUND", "ADJUSTMENT")[n % 5]
    amount = rng.randrange(1, 300) * unit(world)
    number = world.ids.of("ShopifyPaymentsBalanceTransaction", n)
    return BalanceTransaction(
        id=number,
        kind=kind,
        amount=amount if kind == "CHARGE" else -amount,
        fee=amount * 3 // 100 if kind == "CHARGE" else 0,
        created=at,
        payout_id=None,
        source_type=None if kind == "ADJUSTMENT" else kind,
        source_id=None if kind == "ADJUSTMENT" else number + 7,
        order_id=None
        if kind == "ADJUSTMENT"
        else world.ids.of("Order", rng.randrange(len(world.book))),
    )


def dispute(world: Any, n: int, rng: random.Random, *, at: int) -> Dispute:
    return Dispute(
        id=world.ids.of("ShopifyPaymentsDispute", n),
        kind="INQUIRY" if n % 3 == 0 else "CHARGEBACK",
        status="NEEDS_RESPONSE",
        reason=rng.choice(("FRAUDULENT", "PRODUCT_NOT_RECEIVED", "GENERAL")),
        network_code="4837" if rng.random() < 0.6 else None,
        amount=rng.randrange(5, 90) * unit(world),
        order_id=world.ids.of("Order", rng.randrange(len(world.book))),
        created=at,
        due=at + 10 * DAY,
    )


def _disputes(world: Any, rng: random.Random) -> Shelf[Dispute]:
    count = 9 if world.recipe.payments and len(world.book) else 0
    made = [
        dispute(world, n, rng, at=world.recipe.as_of - (9 - n) * 12 * DAY) for n in range(count)
    ]
    for one in made[:6]:
        one.status, one.sent = rng.choice(("WON", "LOST", "ACCEPTED")), one.created + DAY
        one.finalized = one.created + 30 * DAY
    return small_shelf(made, world.ids, "ShopifyPaymentsDispute", {"status": lambda d: d.status})
