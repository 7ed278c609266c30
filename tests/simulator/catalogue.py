"""The seeded products, their stock and the locations that hold it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.simulator import words
from tests.simulator.ids import Ids
from tests.simulator.model import (
    QUANTITY_NAMES,
    Address,
    InventoryItem,
    Level,
    Location,
    Media,
    Option,
    Product,
    Variant,
)
from tests.simulator.moments import DAY
from tests.simulator.money import exponent

VARIANTS = 4096


@dataclass(slots=True)
class Catalogue:
    products: list[Product]
    items: list[InventoryItem]
    locations: list[Location]


def build_catalogue(ids: Ids, *, seed: int, count: int, currency: str, started: int) -> Catalogue:
    """Invent *count* products; the sixth has more than a hundred variants."""
    rng = random.Random(f"catalogue:{seed}")
    country = words.CURRENCY_COUNTRY.get(currency, "US")
    locations = [_location(ids, n, country, started) for n in range(3)]
    products = [_product(ids, rng, n, currency=currency, started=started) for n in range(count)]
    items = [
        _item(ids, rng, variant, locations=locations, country=country)
        for product in products
        for variant in product.variants
    ]
    return Catalogue(products, items, locations)


def new_product(
    ids: Ids, rng: random.Random, n: int, *, currency: str, locations: list[Location], at: int
) -> tuple[Product, list[InventoryItem]]:
    """The *n*-th product, made just now, with its inventory items."""
    product = _product(ids, rng, n, currency=currency, started=at)
    product.created = product.updated = at
    product.published = at
    for variant in product.variants:
        variant.created = variant.updated = at
    items = [
        _item(ids, rng, variant, locations=locations, country="US") for variant in product.variants
    ]
    for item in items:
        for level in item.levels.values():
            level.updated = at
    return product, items


def _location(ids: Ids, n: int, country: str, started: int) -> Location:
    places = words.PLACES[country]
    city, province, code, name, zip_, lat, lon = places[n % len(places)]
    address = Address(
        address1=f"{10 + n} Warehouse Road",
        city=city,
        province=province,
        province_code=code,
        country=name,
        country_code=country,
        zip=zip_,
        phone="+15550100" if n == 0 else None,
        latitude=lat,
        longitude=lon,
    )
    return Location(
        id=ids.of("Location", n),
        name=("Main warehouse", "Shop floor", "Overflow")[n % 3],
        active=True,
        fulfills_online=n != 1,
        created=started,
        updated=started,
        address=address,
    )


def _product(ids: Ids, rng: random.Random, n: int, *, currency: str, started: int) -> Product:
    gift = n == 3
    title = "Gift Card" if gift else f"{rng.choice(words.ADJECTIVES)} {rng.choice(words.NOUNS)}"
    created = started - rng.randrange(30, 400) * DAY - rng.randrange(DAY)
    updated = created + rng.randrange(1, 30 * DAY)
    options = _options(ids, rng, n, gift)
    product = Product(
        id=ids.of("Product", n),
        title=title,
        handle=f"{title.lower().replace(' ', '-')}-{n}",
        status=rng.choices(("ACTIVE", "DRAFT", "ARCHIVED"), (94, 3, 3))[0],
        vendor=rng.choice(words.VENDORS),
        kind="Gift Card" if gift else title.split()[-1],
        tags=sorted(rng.sample(words.PRODUCT_TAGS, rng.randrange(3))),
        description=f"<p>{title}: made to last.</p>",
        gift_card=gift,
        created=created,
        updated=updated,
        published=created + 3600,
        options=options,
        variants=[],
        media=[_media(ids, n, k, title) for k in range(rng.randrange(4))],
    )
    if product.status == "DRAFT":
        product.published = None
    _add_variants(ids, rng, product, n, currency)
    return product


def _options(ids: Ids, rng: random.Random, n: int, gift: bool) -> list[Option]:
    if gift:
        values = [["10", "25", "50"]]
        names = ["Denominations"]
    elif n % 60 == 5:
        values = [[f"Nr {k + 1}" for k in range(24)], list(words.SIZES)]
        names = ["Pattern", "Size"]
    elif rng.random() < 0.4:
        values, names = [["Default Title"]], ["Title"]
    else:
        values = [rng.sample(words.COLOURS, rng.randrange(1, 6))]
        names = ["Color"]
    return [
        Option(ids.of("ProductOption", n * 8 + k), name, k + 1, value)
        for k, (name, value) in enumerate(zip(names, values, strict=True))
    ]


def _media(ids: Ids, n: int, k: int, title: str) -> Media:
    number = ids.of("MediaImage", n * 64 + k)
    url = f"https://cdn.shopify.com/s/files/1/0001/products/{number}.jpg?v=1700000000"
    return Media(number, title if k == 0 else None, url)


def _combinations(options: list[Option]) -> list[list[tuple[str, str]]]:
    rows: list[list[tuple[str, str]]] = [[]]
    for option in options:
        rows = [[*row, (option.name, value)] for row in rows for value in option.values]
    return rows


def _add_variants(ids: Ids, rng: random.Random, product: Product, n: int, currency: str) -> None:
    unit = 10 ** exponent(currency)
    factor = 100 if unit == 1 else 1
    base = rng.randrange(4, 120) * unit * factor + (unit - 1 if unit > 1 else 0)
    for k, selected in enumerate(_combinations(product.options)):
        title = " / ".join(value for _, value in selected)
        price = int(title) * unit * factor if product.gift_card else base + (k % 5) * unit
        product.variants.append(
            Variant(
                id=ids.of("ProductVariant", n * VARIANTS + k),
                product_id=product.id,
                item_id=ids.of("InventoryItem", n * VARIANTS + k),
                title=title,
                sku=None if product.gift_card else f"{product.kind[:3].upper()}-{n:04d}-{k:03d}",
                barcode=f"50{n:05d}{k:05d}" if rng.random() < 0.6 else None,
                price=price,
                compare_at=price + 10 * unit * factor if rng.random() < 0.15 else None,
                position=k + 1,
                taxable=not product.gift_card,
                policy="CONTINUE" if rng.random() < 0.2 else "DENY",
                created=product.created,
                updated=product.updated,
                selected=selected,
                grams=0 if product.gift_card else rng.randrange(50, 2000, 10),
            )
        )


def _item(
    ids: Ids, rng: random.Random, variant: Variant, *, locations: list[Location], country: str
) -> InventoryItem:
    sequence = ids.sequence("InventoryItem", variant.item_id)
    tracked = variant.taxable and rng.random() < 0.95
    item = InventoryItem(
        id=variant.item_id,
        variant_id=variant.id,
        sku=variant.sku,
        tracked=tracked,
        requires_shipping=variant.taxable,
        country=country if rng.random() < 0.5 else None,
        province=None,
        hs_code="420292" if rng.random() < 0.3 else None,
        created=variant.created,
        updated=variant.updated,
        cost=variant.price * rng.randrange(25, 70) // 100 if rng.random() < 0.85 else None,
        levels={},
    )
    stocked = locations if rng.random() < 0.3 else locations[: rng.randrange(1, 3)]
    for place, location in enumerate(stocked):
        level = _level(ids, rng, item, location, sequence * 16 + place)
        item.levels[location.id] = level
    return item


def _level(
    ids: Ids, rng: random.Random, item: InventoryItem, location: Location, sequence: int
) -> Level:
    quantities = dict.fromkeys((n for n in QUANTITY_NAMES if n != "on_hand"), 0)
    if item.tracked:
        quantities["available"] = rng.randrange(-2, 250)
        quantities["committed"] = rng.randrange(0, 8)
        if rng.random() < 0.2:
            quantities["incoming"] = rng.randrange(10, 100)
        if rng.random() < 0.1:
            quantities[rng.choice(("reserved", "damaged", "quality_control", "safety_stock"))] = (
                rng.randrange(1, 6)
            )
    return Level(
        id=ids.of("InventoryLevel", sequence),
        item_id=item.id,
        location_id=location.id,
        created=item.created,
        updated=item.updated + rng.randrange(DAY),
        active=rng.random() > 0.02,
        quantities=quantities,
    )
