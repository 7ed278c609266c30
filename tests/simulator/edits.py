"""Actions that name exactly what to change, as an app's mutations do.

Every one is journalled like a merchant's action, and causes the same webhooks.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.simulator import catalogue, people
from tests.simulator.actions import Deed, Impossible
from tests.simulator.model import (
    QUANTITY_NAMES,
    Address,
    Customer,
    InventoryItem,
    Level,
    Option,
    Product,
    Variant,
)
from tests.simulator.money import exponent
from tests.simulator.payloads import goods

Path = list[str]


class Invalid(Impossible):
    """A user error: what is wrong, where, and Shopify's code for it where it has one."""

    def __init__(self, field: Path | None, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.error = {"field": field, "message": message, "code": code}


def minor(text: Any, world: Any, field: Path) -> int:
    """An amount of the shop's currency in minor units."""
    try:
        amount = Decimal(str(text)).scaleb(exponent(world.shop.currency))
    except InvalidOperation:
        raise Invalid(field, "is not a number", "INVALID") from None
    if amount < 0:
        raise Invalid(field, "must be greater than or equal to 0", "GREATER_THAN_OR_EQUAL_TO")
    return int(amount)


def product_of(deed: Deed, field: str = "id", code: str | None = None) -> Product:
    found = deed.world.products.get(int(deed.parameters["id"]))
    if found is None:
        raise Invalid([field], "Product does not exist", code)
    return found  # type: ignore[no-any-return]


def put_product(deed: Deed, product: Product, topic: str) -> None:
    product.updated = deed.at
    deed.world.products.put(product.id, product)
    deed.touched.append(product.id)
    deed.tell(topic, lambda: goods.product_body(product, deed.world))


_PLAIN = {
    "title": "title", "handle": "handle", "descriptionHtml": "description", "productType": "kind",
    "status": "status", "vendor": "vendor", "giftCard": "gift_card",
}  # fmt: skip


def _assign(product: Product, wanted: dict[str, Any]) -> None:
    for name, attribute in _PLAIN.items():
        if wanted.get(name) is not None:
            setattr(product, attribute, wanted[name])
    if wanted.get("tags") is not None:
        product.tags = sorted(set(wanted["tags"]))


def _write_product(deed: Deed) -> None:
    """Create (without ``id``) or change a product; ``variants`` replaces all of them."""
    wanted, world = deed.parameters, deed.world
    if "id" in wanted:
        product, topic = product_of(deed), "products/update"
    else:
        if not (wanted.get("title") or "").strip():
            raise Invalid(["title"], "Title can't be blank", "BLANK")
        product, topic = _blank_product(deed), "products/create"
    if wanted.get("title") is not None and not wanted["title"].strip():
        raise Invalid(["title"], "Title can't be blank", "BLANK")
    _check_amounts(deed, wanted.get("variants") or [], ["input", "variants"])
    _assign(product, wanted)
    if "id" not in wanted:
        product.handle = wanted.get("handle") or _handle(product, world)
    options = wanted.get("productOptions")
    if options:
        product.options = _options(deed, product, options)
    if wanted.get("variants") is not None:
        _replace_variants(deed, product, wanted["variants"])
    elif "id" not in wanted:
        first = [(one.name, one.values[0]) for one in product.options]
        add_variant(deed, product, {"selected": first}, ["variants"])
    put_product(deed, product, topic)


def _blank_product(deed: Deed) -> Product:
    world = deed.world
    place = world.next_product()
    option = Option(world.ids.of("ProductOption", place * 8), "Title", 1, ["Default Title"])
    return Product(
        id=world.ids.of("Product", place), title="", handle="", status="ACTIVE",
        vendor=world.shop.name,
        kind="", tags=[], description="", gift_card=False, created=deed.at, updated=deed.at,
        published=None, options=[option], variants=[], media=[],
    )  # fmt: skip


def _handle(product: Product, world: Any) -> str:
    base = "-".join("".join(c if c.isalnum() else " " for c in product.title.lower()).split())
    taken = {one.handle for one in world.products}
    return base if base not in taken else f"{base}-{world.ids.sequence('Product', product.id)}"


def _options(deed: Deed, product: Product, wanted: list[dict[str, Any]]) -> list[Option]:
    ids = deed.world.ids
    place = ids.sequence("Product", product.id)
    return [
        Option(
            ids.of("ProductOption", place * 8 + k),
            str(one["name"]),
            k + 1,
            [str(value["name"]) for value in one.get("values") or []] or ["Default"],
        )
        for k, one in enumerate(wanted)
    ]


def _replace_variants(deed: Deed, product: Product, wanted: list[dict[str, Any]]) -> None:
    """As productSet: variants that are not named go."""
    known = {one.id: one for one in product.variants}
    kept: list[Variant] = []
    by_choice = {tuple(one.selected): one for one in product.variants}
    for place, one in enumerate(wanted):
        field = ["input", "variants", str(place)]
        found = known.get(one.get("id", 0)) or by_choice.get(tuple(_selected(product, one)))
        if found is not None:
            change_variant(deed, found, one, field)
        else:
            found = add_variant(deed, product, one, field)
        kept.append(found)
    for variant in list(product.variants):
        if variant not in kept:
            drop_variant(deed, product, variant)


def _selected(product: Product, wanted: dict[str, Any]) -> list[tuple[str, str]]:
    if "selected" in wanted:
        return [(name, value) for name, value in wanted["selected"]]
    chosen = {one.get("optionName"): one["name"] for one in wanted.get("optionValues") or []}
    return [
        (one.name, chosen.get(one.name, chosen.get(None, one.values[0]))) for one in product.options
    ]


def add_variant(deed: Deed, product: Product, wanted: dict[str, Any], field: Path) -> Variant:
    world = deed.world
    selected = _selected(product, wanted)
    title = " / ".join(value for _, value in selected)
    if any(one.selected == selected for one in product.variants):
        raise _repeated(selected, field)
    for option, (_, value) in zip(product.options, selected, strict=True):
        if value not in option.values:
            option.values.append(value)
    place = world.ids.sequence("Product", product.id) * catalogue.VARIANTS
    used = [world.ids.sequence("ProductVariant", one.id) for one in product.variants]
    # The number of a variant that was deleted is not given again.
    last = max([place - 1, world.last_variants.get(product.id, place - 1), *used])
    place = world.last_variants[product.id] = last + 1
    made = Variant(
        id=world.ids.of("ProductVariant", place), product_id=product.id,
        item_id=world.ids.of("InventoryItem", place), title=title, sku=None, barcode=None, price=0,
        compare_at=None, position=len(product.variants) + 1, taxable=True, policy="DENY",
        created=deed.at, updated=deed.at, selected=selected,
    )  # fmt: skip
    product.variants.append(made)
    item = InventoryItem(
        id=made.item_id, variant_id=made.id, sku=None, tracked=True, requires_shipping=True,
        country=None, province=None, hs_code=None, created=deed.at, updated=deed.at, cost=None,
        levels={},
    )  # fmt: skip
    level = new_level(deed, item, next(iter(world.locations)))
    world.items.put(item.id, item)
    deed.tell("inventory_items/create", lambda: goods.item_body(item, world))
    deed.tell("inventory_levels/connect", lambda: goods.level_body(level, world))
    change_variant(deed, made, wanted, field)
    return made


def new_level(deed: Deed, item: InventoryItem, location: int) -> Level:
    world = deed.world
    place = list(world.locations).index(location)
    sequence = world.ids.sequence("InventoryItem", item.id) * 16 + 3 + place
    level = Level(
        id=world.ids.of("InventoryLevel", sequence), item_id=item.id, location_id=location,
        created=deed.at, updated=deed.at, active=True,
        quantities=dict.fromkeys((n for n in QUANTITY_NAMES if n != "on_hand"), 0),
    )  # fmt: skip
    item.levels[location] = level
    return level


_OF_ITEM = {
    "sku": "sku", "tracked": "tracked", "requiresShipping": "requires_shipping",
    "countryCodeOfOrigin": "country", "harmonizedSystemCode": "hs_code",
}  # fmt: skip


def change_variant(deed: Deed, variant: Variant, wanted: dict[str, Any], field: Path) -> None:
    world = deed.world
    if wanted.get("price") is not None:
        variant.price = minor(wanted["price"], world, [*field, "price"])
    if "compareAtPrice" in wanted:
        text, where = wanted["compareAtPrice"], [*field, "compareAtPrice"]
        variant.compare_at = None if text is None else minor(text, world, where)
    for name, attribute in (("barcode", "barcode"), ("taxable", "taxable"), ("sku", "sku"),
                            ("inventoryPolicy", "policy")):  # fmt: skip
        if wanted.get(name) is not None:
            setattr(variant, attribute, wanted[name])
    variant.updated = deed.at
    _change_item(deed, variant, dict(wanted.get("inventoryItem") or {}), field)


def _change_item(deed: Deed, variant: Variant, wanted: dict[str, Any], field: Path) -> None:
    world = deed.world
    item = world.items.get(variant.item_id)
    if variant.sku is not None:
        wanted.setdefault("sku", variant.sku)
    if item is None or not wanted:
        return
    for name, attribute in _OF_ITEM.items():
        if wanted.get(name) is not None:
            setattr(item, attribute, wanted[name])
    if wanted.get("cost") is not None:
        item.cost = minor(wanted["cost"], world, [*field, "inventoryItem", "cost"])
    variant.sku, item.updated = item.sku, deed.at
    world.items.put(item.id, item)
    deed.tell("inventory_items/update", lambda: goods.item_body(item, world))


def drop_variant(deed: Deed, product: Product, variant: Variant) -> None:
    product.variants.remove(variant)
    deed.world.items.remove(variant.item_id)
    deed.tell("inventory_items/delete", lambda n=variant.item_id: {"id": n})


def _variants(deed: Deed) -> None:
    """Create, change or delete variants of a product (``make``, ``change``, ``drop``)."""
    wanted = deed.parameters
    product = product_of(deed, "productId", "PRODUCT_DOES_NOT_EXIST")
    _check_variants(deed, product, wanted)
    known = {one.id: one for one in product.variants}
    touched = []
    for place, one in enumerate(wanted.get("change") or []):
        change_variant(deed, known[one["id"]], one, ["variants", str(place)])
        touched.append(one["id"])
    for number in wanted.get("drop") or []:
        drop_variant(deed, product, known[number])
    for place, one in enumerate(wanted.get("make") or []):
        touched.append(add_variant(deed, product, one, ["variants", str(place)]).id)
    put_product(deed, product, "products/update")
    deed.touched += touched


def _check_variants(deed: Deed, product: Product, wanted: dict[str, Any]) -> None:
    """Find what is wrong before anything is changed."""
    known = {one.id for one in product.variants}
    for place, one in enumerate(wanted.get("change") or []):
        if one.get("id") not in known:
            field = ["variants", str(place), "id"]
            raise Invalid(field, "Product variant does not exist", "PRODUCT_VARIANT_DOES_NOT_EXIST")
    for place, number in enumerate(wanted.get("drop") or []):
        if number not in known:
            message = "At least one variant does not belong to the product"
            code = "AT_LEAST_ONE_VARIANT_DOES_NOT_BELONG_TO_THE_PRODUCT"
            raise Invalid(["variantsIds", str(place)], message, code)
    every = [*(wanted.get("change") or []), *(wanted.get("make") or [])]
    _check_amounts(deed, every, ["variants"])
    taken = [one.selected for one in product.variants]
    for place, one in enumerate(wanted.get("make") or []):
        selected = _selected(product, one)
        if selected in taken:
            raise _repeated(selected, ["variants", str(place)])
        taken.append(selected)


def _check_amounts(deed: Deed, variants: list[dict[str, Any]], field: Path) -> None:
    for place, one in enumerate(variants):
        amounts = {name: one.get(name) for name in ("price", "compareAtPrice")}
        amounts["cost"] = (one.get("inventoryItem") or {}).get("cost")
        for name, text in amounts.items():
            if text is not None:
                minor(text, deed.world, [*field, str(place), name])


def _repeated(selected: list[tuple[str, str]], field: Path) -> Invalid:
    title = " / ".join(value for _, value in selected)
    message = f"The variant '{title}' already exists. Please change at least one option value."
    return Invalid(field, message, "VARIANT_ALREADY_EXISTS")


_OF_CUSTOMER = {
    "email": "email", "firstName": "first_name", "lastName": "last_name", "phone": "phone",
    "note": "note", "taxExempt": "tax_exempt", "locale": "locale", "tags": "tags",
}  # fmt: skip


def _write_customer(deed: Deed) -> None:
    """Create (without ``id``) or change a customer."""
    world, wanted = deed.world, deed.parameters
    known = world.customers.get(int(wanted["id"])) if "id" in wanted else None
    _check_customer(deed, known)
    customer = known or _blank_customer(deed)
    for name, attribute in _OF_CUSTOMER.items():
        if name in wanted:
            setattr(customer, attribute, wanted[name])
    if wanted.get("addresses") is not None:
        _readdress(deed, customer, wanted["addresses"])
    customer.updated = deed.at
    world.customers.put(customer.id, customer)
    deed.touched.append(customer.id)
    topic = "customers/update" if known else "customers/create"
    deed.tell(topic, lambda: goods.customer_body(customer, world))


def _check_customer(deed: Deed, known: Customer | None) -> None:
    """Find what is wrong before anything is changed."""
    wanted = deed.parameters
    if "id" in wanted and known is None:
        raise Invalid(["id"], "Customer does not exist")
    named = any(wanted.get(name) for name in ("email", "phone", "firstName", "lastName"))
    if known is None and not named:
        raise Invalid(None, "A name, phone number, or email address must be present")
    email = wanted.get("email")
    if not email:
        return
    if "@" not in email or " " in email:
        raise Invalid(["email"], "Email is invalid", "INVALID")
    taken = deed.world.customer_by_email(email)
    if taken is not None and (known is None or taken.id != known.id):
        raise Invalid(["email"], "Email has already been taken", "TAKEN")


def _blank_customer(deed: Deed) -> Customer:
    return Customer(
        id=deed.world.ids.of("Customer", deed.world.next_customer()), first_name=None,
        last_name=None, email=None, phone=None, state="DISABLED", verified_email=True,
        tax_exempt=False, note=None, tags=[], locale="en", created=deed.at, updated=deed.at,
        addresses=[], default_address_id=None, email_consent="NOT_SUBSCRIBED", sms_consent=None,
    )  # fmt: skip


def address_of(wanted: dict[str, Any]) -> Address:
    names = {
        "firstName": "first_name", "lastName": "last_name", "company": "company", "zip": "zip",
        "address1": "address1", "address2": "address2", "city": "city", "phone": "phone",
        "provinceCode": "province_code", "countryCode": "country_code",
    }  # fmt: skip
    return Address(**{names[name]: value for name, value in wanted.items() if name in names})


def _readdress(deed: Deed, customer: Customer, wanted: list[dict[str, Any]]) -> None:
    place = deed.world.ids.sequence("Customer", customer.id) * people.ADDRESSES
    customer.addresses = []
    for k, one in enumerate(wanted[: people.ADDRESSES]):
        made = address_of(one)
        made.id = deed.world.ids.of("MailingAddress", place + k)
        customer.addresses.append(made)
    customer.default_address_id = customer.addresses[0].id if customer.addresses else None


def _drop_customer(deed: Deed) -> None:
    world, number = deed.world, int(deed.parameters["id"])
    if world.customers.get(number) is None:
        raise Invalid(["id"], "Customer can't be found")
    if world.orders_of(number):
        message = "Customer can’t be deleted because they have associated orders"  # noqa: RUF001
        raise Invalid(["id"], message)
    world.customers.remove(number)
    deed.touched.append(number)
    deed.tell("customers/delete", lambda: {"id": number})


ACTIONS: dict[str, Callable[[Deed], None]] = {
    "write_product": _write_product,
    "write_variants": _variants,
    "write_customer": _write_customer,
    "drop_customer": _drop_customer,
}
