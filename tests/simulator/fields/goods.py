"""Products, variants, media, inventory items and their levels."""

from __future__ import annotations

from typing import Any

from tests.simulator import search
from tests.simulator.fields.orders import _gid, _same, _time
from tests.simulator.ids import gid, level_gid
from tests.simulator.model import InventoryItem, Level
from tests.simulator.money import Money, trimmed


def _text_price(name: str) -> Any:
    def shown(variant: Any, world: Any) -> str | None:
        minor = getattr(variant, name)
        return None if minor is None else trimmed(minor, world.shop.currency)

    return shown


def _cost(item: InventoryItem, world: Any) -> Money | None:
    return None if item.cost is None else Money(item.cost, world.shop.currency)


def levels(item: InventoryItem, world: Any, arguments: dict[str, Any]) -> list[Level]:
    found = list(item.levels.values())
    if not arguments.get("includeInactive"):
        found = [one for one in found if one.active]
    return matching_levels(found, arguments.get("query"))


def matching_levels(found: list[Level], text: str | None) -> list[Level]:
    query = search.parse(text)
    if not any(query):
        return found
    return [one for one in found if any(_fits(one, terms) for terms in query)]


def _fits(level: Level, terms: list[search.Term]) -> bool:
    return all(
        term.holds_for(getattr(level, term.field))
        for term in terms
        if term.field in ("id", "created", "updated")
    )


def _quantities(level: Level, world: Any, arguments: dict[str, Any]) -> list[tuple[Level, str]]:
    return [(level, name) for name in arguments["names"]]


VALUES: dict[str, dict[str, Any]] = {
    "Product": {
        "id": _gid("Product"),
        "legacyResourceId": lambda p, w: str(p.id),
        "title": _same("title"),
        "handle": _same("handle"),
        "status": _same("status"),
        "vendor": _same("vendor"),
        "productType": _same("kind"),
        "tags": _same("tags"),
        "descriptionHtml": _same("description"),
        "isGiftCard": _same("gift_card"),
        "createdAt": _time("created"),
        "updatedAt": _time("updated"),
        "publishedAt": _time("published"),
        "options": _same("options"),
        "totalInventory": lambda p, w: sum(w.available(v.item_id) for v in p.variants),
        "variantsCount": lambda p, w: (len(p.variants), None),
    },
    "ProductOption": {
        "id": _gid("ProductOption"),
        "name": _same("name"),
        "position": _same("position"),
        "values": _same("values"),
    },
    "ProductVariant": {
        "id": _gid("ProductVariant"),
        "legacyResourceId": lambda v, w: str(v.id),
        "title": _same("title"),
        "displayName": lambda v, w: f"{w.products.get(v.product_id).title} - {v.title}",
        "sku": _same("sku"),
        "barcode": _same("barcode"),
        "price": _text_price("price"),
        "compareAtPrice": _text_price("compare_at"),
        "position": _same("position"),
        "taxable": _same("taxable"),
        "inventoryPolicy": _same("policy"),
        "inventoryQuantity": lambda v, w: w.available(v.item_id),
        "createdAt": _time("created"),
        "updatedAt": _time("updated"),
        "selectedOptions": _same("selected"),
        "inventoryItem": lambda v, w: w.items.get(v.item_id),
        "product": lambda v, w: w.products.get(v.product_id),
    },
    "SelectedOption": {"name": lambda pair, w: pair[0], "value": lambda pair, w: pair[1]},
    "MediaImage": {
        "id": _gid("MediaImage"),
        "alt": _same("alt"),
        "mediaContentType": lambda m, w: "IMAGE",
        "preview": lambda m, w: m,
        "image": lambda m, w: m,
    },
    "MediaPreviewImage": {"image": lambda m, w: m},
    "Image": {
        "url": _same("url"),
        "altText": _same("alt"),
        "width": _same("width"),
        "height": _same("height"),
    },
    "InventoryItem": {
        "id": _gid("InventoryItem"),
        "legacyResourceId": lambda i, w: str(i.id),
        "sku": _same("sku"),
        "tracked": _same("tracked"),
        "requiresShipping": _same("requires_shipping"),
        "countryCodeOfOrigin": _same("country"),
        "provinceCodeOfOrigin": _same("province"),
        "harmonizedSystemCode": _same("hs_code"),
        "createdAt": _time("created"),
        "updatedAt": _time("updated"),
        "unitCost": _cost,
        "variant": lambda i, w: w.variant(i.variant_id),
    },
    "InventoryLevel": {
        "id": lambda x, w: level_gid(x.id, x.item_id),
        "isActive": _same("active"),
        "createdAt": _time("created"),
        "updatedAt": _time("updated"),
        "item": lambda x, w: w.items.get(x.item_id),
        "location": lambda x, w: w.locations[x.location_id],
    },
    "InventoryQuantity": {
        "id": lambda q, w: gid("InventoryQuantity", q[0].id) + f"?name={q[1]}",
        "name": lambda q, w: q[1],
        "quantity": lambda q, w: q[0].quantity(q[1]),
        "updatedAt": lambda q, w: None,
    },
    "Count": {
        "count": lambda pair, w: pair[0] if pair[1] is None else min(pair),
        "precision": lambda pair, w: (
            "AT_LEAST" if pair[1] is not None and pair[0] > pair[1] else "EXACT"
        ),
    },
}
ARGUED: dict[str, dict[str, Any]] = {
    "InventoryLevel": {"quantities": _quantities},
    "InventoryItem": {
        "inventoryLevel": lambda i, w, a: i.levels.get(int(a["locationId"].rpartition("/")[2])),
    },
}
LISTS: dict[str, dict[str, Any]] = {
    "Product": {
        "variants": lambda p, w, a: p.variants,
        "media": lambda p, w, a: p.media,
    },
    "InventoryItem": {"inventoryLevels": levels},
}
