"""The legacy REST reads: the bodies of the webhooks, in pages that Link headers join.

Only GET is served. Facts: leaky bucket of 40 calls that drains by 2 a second, ``limit`` 50 unless
told otherwise and 250 at most, ``page_info`` alone with ``limit`` and ``fields``.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import json
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.simulator import moments, roots, search
from tests.simulator.graphql_api import Served, admitted, failure
from tests.simulator.ids import split
from tests.simulator.payloads import goods, orders
from tests.simulator.store import Store

PAGE, LARGEST = 50, 250
_HELP = "See https://shopify.dev/api/usage/pagination-rest for more information."
Body = Callable[[Any, Any], dict[str, Any]]


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, errors: Any) -> None:
        super().__init__(errors)
        self.status, self.errors = status, errors


@dataclass(frozen=True, slots=True)
class Listed:
    """A resource on a shelf: its name in a body, its scope, how one is written."""

    shelf: str
    one: str
    scope: str
    body: Body
    filters: tuple[str, ...] = ()


def _customer(one: Any, world: Any) -> dict[str, Any]:
    return goods.customer_body(one, world)


def _event(one: Any, world: Any) -> dict[str, Any]:
    kind, number = split(one.subject_id) or ("", 0)
    return {
        "id": one.id,
        "subject_id": number,
        "created_at": moments.local(one.created, world.shop.timezone),
        "subject_type": kind,
        "verb": one.action,
        "arguments": [],
        "body": None,
        "message": f"{kind} {one.action}",
        "author": "Shopify",
        "description": f"{kind} {one.action}",
        "path": None,
    }


LISTED = {
    "orders": Listed(
        "orders", "order", "read_orders", orders.order_body,
        ("financial_status", "fulfillment_status"),
    ),
    "products": Listed(
        "products", "product", "read_products", goods.product_body,
        ("handle", "product_type", "status", "title", "vendor"),
    ),
    "customers": Listed("customers", "customer", "read_customers", _customer),
    "events": Listed("events", "event", "", _event),
    "inventory_items": Listed("items", "inventory_item", "read_inventory", goods.item_body),
}  # fmt: skip


_OF_ORDERS: dict[str, Callable[[Any, Any, Any], dict[str, Any]]] = {
    "refunds": orders.refund_body,
    "transactions": orders.transaction_body,
    "fulfillments": orders.fulfillment_body,
}


async def answer(request: web.Request, store: Store, platform: Any) -> web.Response:
    """Answer one GET of the Admin REST API."""
    served = await admitted(request, store, platform, "rest")
    if isinstance(served, web.Response):
        return served
    used = store.calls.take()
    if used is None:
        platform.stats["rest throttled"] += 1
        refused = failure(429, served.version)
        refused.headers["X-Shopify-Shop-Api-Call-Limit"] = store.calls.told()
        return refused
    headers = {
        "X-Shopify-API-Version": served.version,
        "X-Shopify-Shop-Api-Call-Limit": store.calls.told(),
    }
    try:
        call = _Call(request, store, served, headers)
        body = call.found(request.match_info["path"].split("/"))
    except Refused as error:
        return web.json_response({"errors": error.errors}, status=error.status, headers=headers)
    return web.json_response(body, headers=headers)


def scopes_of(scopes: list[str]) -> dict[str, Any]:
    """``GET /admin/oauth/access_scopes.json``."""
    return {"access_scopes": [{"handle": one} for one in scopes]}


class _Call:
    """One request."""

    def __init__(
        self, request: web.Request, store: Store, served: Served, headers: dict[str, str]
    ) -> None:
        self._store, self._world, self._headers = store, store.world, headers
        self._token = served.token
        self._base = str(request.url.with_query(None))
        self._query: Mapping[str, str] = request.query
        if "page" in self._query:
            raise Refused(400, {"page": f"page cannot be passed. {_HELP}"})

    def found(self, path: list[str]) -> dict[str, Any]:
        if path[0] in LISTED:
            return self._listed(path[0], LISTED[path[0]], path[1:])
        special = {
            ("shop",): self._shop,
            ("locations",): self._locations,
            ("locations", "count"): lambda: {"count": len(self._world.locations)},
            ("inventory_levels",): self._levels,
        }.get(tuple(path))
        if special is not None:
            return special()
        if path[0] == "locations" and len(path) in (2, 3):
            return self._location(path)
        raise Refused(404, "Not Found")

    def _scope(self, scope: str) -> None:
        if scope and not roots.allowed(scope, self._token.scopes):
            raise Refused(403, f"[API] This action requires merchant approval for {scope} scope.")

    def _shop(self) -> dict[str, Any]:
        return {"shop": self._chosen(goods.shop_body(self._world.shop))}

    def _listed(self, name: str, kind: Listed, path: list[str]) -> dict[str, Any]:
        self._scope(kind.scope)
        shelf = getattr(self._world, kind.shelf)
        if path == ["count"]:
            return {"count": shelf.total(self._search(name, kind, self._query))}
        if not path:
            return {name: self._page(name, kind, shelf)}
        thing = shelf.get(_number(path[0]))
        if thing is None or (name == "orders" and not self._visible(thing)):
            raise Refused(404, "Not Found")
        if len(path) == 1:
            return {kind.one: self._chosen(kind.body(thing, self._world))}
        return self._below(name, thing, path[1:])

    def _below(self, name: str, thing: Any, path: list[str]) -> dict[str, Any]:
        """What hangs below one object: refunds of an order, variants of a product."""
        parts = self._parts(name, thing, path[0])
        if len(path) == 1:
            return {path[0]: [self._chosen(one) for one in parts[: self._limit()]]}
        if path[1] == "count":
            return {"count": len(parts)}
        one = next((part for part in parts if str(part["id"]) == path[1]), None)
        if one is None:
            raise Refused(404, "Not Found")
        return {path[0].removesuffix("s"): self._chosen(one)}

    def _parts(self, name: str, thing: Any, part: str) -> list[dict[str, Any]]:
        world = self._world
        if (name, part) == ("customers", "orders"):
            found = [world.orders.get(number) for number in world.orders_of(thing.id)]
            return [orders.order_body(one, world) for one in found if one and self._visible(one)]
        if (name, part) == ("products", "variants"):
            return [goods._variant(one, world) for one in thing.variants[:100]]
        body = _OF_ORDERS.get(part) if name == "orders" else None
        if body is None:
            raise Refused(404, "Not Found")
        return [body(one, thing, world) for one in getattr(thing, part)]

    def _visible(self, order: Any) -> bool:
        floor = self._store.floor(self._token.scopes)
        return floor is None or order.created >= floor

    def _limit(self) -> int:
        text = self._query.get("limit", str(PAGE))
        if not text.isdecimal() or int(text) < 1:
            raise Refused(400, {"limit": "must be a number from 1 to 250"})
        return min(int(text), LARGEST)

    def _chosen(self, body: dict[str, Any]) -> dict[str, Any]:
        wanted = [one.strip() for one in self._query.get("fields", "").split(",") if one.strip()]
        return {name: body[name] for name in body if name in wanted} if wanted else body

    def _search(self, name: str, kind: Listed, wanted: Mapping[str, str]) -> search.Query:
        terms: list[search.Term] = []
        for field, stamp in (("created_at", "created"), ("updated_at", "updated"),
                             ("processed_at", "processed")):  # fmt: skip
            low, high = _moment(wanted, f"{field}_min"), _moment(wanted, f"{field}_max")
            if low is not None or high is not None:
                terms.append(search.Term(stamp, low=low, high=high))
        if "since_id" in wanted:
            terms.append(search.Term("id", low=_number(wanted["since_id"]) + 1))
        if name == "orders":
            terms.append(search.Term("status", wanted.get("status", "open")))
            floor = self._store.floor(self._token.scopes)
            if floor is not None:
                terms.append(search.Term("created", low=floor))
        if name == "events":
            terms += [
                search.Term(field, wanted[given].lower())
                for given, field in (("filter", "subject_type"), ("verb", "action"))
                if given in wanted
            ]
        terms += [
            search.Term(field, wanted[field].lower())
            for field in kind.filters
            if field in wanted and not (name == "orders" and field == "status")
        ]
        chosen = [_number(one) for one in wanted.get("ids", "").split(",") if one]
        if chosen:
            return [[*terms, search.Term("id", low=one, high=one)] for one in chosen]
        return [terms]

    def _page(self, name: str, kind: Listed, shelf: Any) -> list[dict[str, Any]]:
        limit, wanted = self._limit(), dict(self._query)
        cursor = _opened(wanted)
        if cursor is not None:
            wanted = cursor["query"]
        if name == "inventory_items" and "ids" not in wanted:
            raise Refused(422, {"ids": "Required parameter missing or invalid"})
        key, reverse = _order(name, wanted)
        backwards = cursor is not None and cursor["back"]
        scan = shelf.scan(
            self._search(name, kind, wanted), key, reverse=reverse is not backwards,
            after=tuple(cursor["from"]) if cursor else None,
        )  # fmt: skip
        entries = list(itertools.islice(scan, limit + 1))
        more, chosen = len(entries) > limit, entries[:limit]
        if backwards:
            chosen.reverse()
        before, behind = (cursor is not None, more) if not backwards else (more, True)
        if chosen:
            self._link(wanted, limit, chosen[0] if before else None, chosen[-1] if behind else None)
        things = (shelf.get(number) for _, number in chosen)
        return [self._chosen(kind.body(one, self._world)) for one in things if one is not None]

    def _link(self, wanted: Mapping[str, str], limit: int, before: Any, behind: Any) -> None:
        kept = {name: wanted[name] for name in wanted if name not in ("limit", "fields")}
        shown = {"limit": limit}
        if "fields" in self._query:
            shown |= {"fields": self._query["fields"]}
        links = []
        for entry, back, rel in ((before, True, "previous"), (behind, False, "next")):
            if entry is None:
                continue
            text = json.dumps({"query": kept, "from": entry, "back": back})
            page = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
            query = urllib.parse.urlencode({**shown, "page_info": page})
            links.append(f'<{self._base}?{query}>; rel="{rel}"')
        if links:
            self._headers["Link"] = ", ".join(links)

    def _slice(self, name: str, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """A page of a list that is all in memory: its cursor is a place in it."""
        limit, wanted = self._limit(), dict(self._query)
        cursor = _opened(wanted)
        start = int(cursor["from"][0]) if cursor else 0
        if cursor and cursor["back"]:
            start = max(0, start - limit)
        found = list(rows)
        part = found[start : start + limit]
        more = start + limit < len(found)
        query = cursor["query"] if cursor else wanted
        self._link(
            query, limit, [start, 0] if start else None, [start + limit, 0] if more else None
        )
        return {name: [self._chosen(one) for one in part]}

    def _asked(self) -> Mapping[str, str]:
        cursor = _opened(dict(self._query))
        return cursor["query"] if cursor else self._query

    def _locations(self) -> dict[str, Any]:
        self._scope("read_locations")
        rows = [goods.location_body(one, self._world) for one in self._world.locations.values()]
        return {"locations": [self._chosen(one) for one in rows]}

    def _location(self, path: list[str]) -> dict[str, Any]:
        self._scope("read_locations")
        one = self._world.locations.get(_number(path[1]))
        if one is None:
            raise Refused(404, "Not Found")
        if len(path) == 2:
            return {"location": self._chosen(goods.location_body(one, self._world))}
        if path[2] != "inventory_levels":
            raise Refused(404, "Not Found")
        self._scope("read_inventory")
        return self._slice("inventory_levels", self._level_rows([], [one.id]))

    def _levels(self) -> dict[str, Any]:
        self._scope("read_inventory")
        wanted = self._asked()
        items = [_number(one) for one in wanted.get("inventory_item_ids", "").split(",") if one]
        places = [_number(one) for one in wanted.get("location_ids", "").split(",") if one]
        if not items and not places:
            raise Refused(422, "Required parameter missing or invalid: inventory_item_ids")
        return self._slice("inventory_levels", self._level_rows(items, places))

    def _level_rows(self, items: list[int], places: list[int]) -> Iterable[dict[str, Any]]:
        world = self._world
        since = _moment(self._asked(), "updated_at_min") or 0
        found = (world.items.get(one) for one in items) if items else world.items
        for item in found:
            for level in item.levels.values() if item is not None else ():
                if level.updated >= since and (not places or level.location_id in places):
                    yield goods.level_body(level, world)


def _number(text: str) -> int:
    if not text.strip().isdecimal():
        raise Refused(400, {"id": "expected String to be a id"})
    return int(text)


def _moment(wanted: Mapping[str, str], name: str) -> int | None:
    if name not in wanted:
        return None
    # A plus sign in a query that was not escaped arrives as a space.
    found = moments.parsed(wanted[name].replace(" ", "+"))
    if found is None:
        raise Refused(400, {name: "must be a valid ISO 8601 date"})
    return found


def _order(name: str, wanted: Mapping[str, str]) -> tuple[str, bool]:
    if "since_id" in wanted:
        return "id", False
    field, _, way = wanted.get("order", "").partition(" ")
    if field in search.STAMPS:
        return search.STAMPS[field], way.strip().lower() == "desc"
    return ("created", True) if name == "orders" else ("id", False)


def _opened(wanted: Mapping[str, str]) -> dict[str, Any] | None:
    text = wanted.get("page_info")
    if not text:
        return None
    for name in wanted:
        if name not in ("page_info", "limit", "fields"):
            raise Refused(400, {name: f"{name} cannot be passed with page_info. {_HELP}"})
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return {"query": dict(found["query"]), "from": found["from"], "back": bool(found["back"])}
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise Refused(400, {"page_info": "Invalid value."}) from None
