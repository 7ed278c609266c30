"""The control API under ``/_sim``: what tests and demos ask of the simulator itself."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from aiohttp import web

from tests.simulator import actions, extra_truths, live, moments, office_truths, row_truths
from tests.simulator.payloads import goods, orders
from tests.simulator.platform import Platform
from tests.simulator.store import Store
from tests.simulator.world import Recipe

PLATFORM: web.AppKey[Platform] = web.AppKey("platform", Platform)


def _store(request: web.Request) -> Store:
    found = request.app[PLATFORM].find(request.match_info["shop"])
    if found is None:
        raise web.HTTPNotFound(text='{"error":"no such shop"}', content_type="application/json")
    return found


async def _body(request: web.Request) -> dict[str, Any]:
    text = await request.read()
    return dict(orjson.loads(text)) if text else {}


async def stats(request: web.Request) -> web.Response:
    platform = request.app[PLATFORM]
    return web.json_response(
        {
            "requests": dict(platform.stats),
            "webhooks": platform.courier.stats(),
            "shops": {
                domain: {
                    "orders": len(store.world.orders),
                    "products": len(store.world.products),
                    "customers": len(store.world.customers),
                    "inventory_items": len(store.world.items),
                    "points_used": store.bucket.used,
                    "points_available": store.bucket.available,
                    "subscriptions": len(store.subscriptions),
                    "tokens": len(store.tokens),
                    "bulk_operations": len(store.operations),
                }
                for domain, store in platform.stores.items()
            },
            "crashes": platform.crashes,
        }
    )


async def create_shop(request: web.Request) -> web.Response:
    wanted = await _body(request)
    known = {one.name for one in dataclasses.fields(Recipe)}
    unknown = wanted.keys() - known
    if unknown or "domain" not in wanted:
        return web.json_response({"error": f"give domain and some of {sorted(known)}"}, status=400)
    try:
        store = request.app[PLATFORM].add_shop(Recipe(**wanted))
    except (ValueError, OSError) as error:
        return web.json_response({"error": str(error)}, status=400)
    return web.json_response({"shop": store.domain, "orders": len(store.world.orders)}, status=201)


def _levels(store: Store) -> Iterator[Any]:
    for item in store.world.items:
        for level in item.levels.values():
            body = goods.level_body(level, store.world)
            names = [*level.quantities, "on_hand"]
            yield body | {
                "active": level.active,
                "quantities": {name: level.quantity(name) for name in names},
            }


def _each(shelf: str, render: Callable[[Any, Any], Any]) -> Callable[[Store], Iterator[Any]]:
    def rows(store: Store) -> Iterator[Any]:
        for one in getattr(store.world, shelf):
            yield render(one, store.world)

    return rows


def _full_order(order: Any, world: Any) -> Any:
    body = orders.order_body(order, world)
    body["transactions"] = [
        orders.transaction_body(one, order, world) | {"amount_set": orders.money_set(one.amount)}
        for one in order.transactions
    ]
    return body


def _full_product(product: Any, world: Any) -> Any:
    return goods.product_body(product, world) | {
        "variants": [goods._variant(one, world) for one in product.variants]
    }


def _full_customer(customer: Any, world: Any) -> Any:
    return goods.customer_body(customer, world) | {
        "tags": ", ".join(customer.tags),
        "locale": customer.locale,
        "orders_count": len(world.orders_of(customer.id)),
        "email_marketing_consent": {"state": customer.email_consent.lower()},
        "sms_marketing_consent": {"state": (customer.sms_consent or "").lower()},
    }


TRUTHS: dict[str, Callable[[Store], Iterator[Any]]] = {
    "orders": _each("orders", _full_order),
    "products": _each("products", _full_product),
    "customers": _each("customers", _full_customer),
    "inventory_items": _each("items", goods.item_body),
    "inventory_levels": _levels,
    "locations": lambda store: (
        goods.location_body(one, store.world) for one in store.world.locations.values()
    ),
    **extra_truths.TRUTHS,
    **office_truths.TRUTHS,
    **row_truths.TRUTHS,
}


async def truth(request: web.Request) -> web.StreamResponse:
    """Everything of one kind as it really is, one JSON document a line."""
    store, kind = _store(request), request.match_info["kind"]
    if kind not in TRUTHS:
        return web.json_response({"error": f"one of {sorted(TRUTHS)}"}, status=404)
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    buffer = bytearray()
    for row in TRUTHS[kind](store):
        buffer += orjson.dumps(row) + b"\n"
        if len(buffer) > 1 << 16:
            await response.write(bytes(buffer))
            buffer.clear()
    await response.write(bytes(buffer))
    return response


async def act(request: web.Request) -> web.Response:
    """Perform ``count`` actions; the seed decides what they touch."""
    store, wanted = _store(request), await _body(request)
    name, count = wanted.pop("action", ""), int(wanted.pop("count", 1))
    rng = random.Random(wanted.pop("seed", None))
    at = int(wanted.pop("at", 0))
    touched: list[int] = []
    for _ in range(count):
        try:
            touched += actions.perform(
                store, request.app[PLATFORM], name, wanted,
                seed=rng.getrandbits(48), at=at or moments.now(),
            )  # fmt: skip
        except actions.Impossible as error:
            return web.json_response({"error": str(error), "ids": touched}, status=409)
    return web.json_response({"ids": touched})


async def start_live(request: web.Request) -> web.Response:
    store, wanted = _store(request), await _body(request)
    stream = live.Stream(
        float(wanted.get("rate_per_second", 5)),
        int(wanted.get("count", 0)),
        int(wanted.get("seed", 1)),
    )
    request.app[PLATFORM].go_live(store, stream)
    return web.json_response(stream.progress(), status=202)


async def live_progress(request: web.Request) -> web.Response:
    stream = request.app[PLATFORM].streams.get(_store(request).key)
    return web.json_response(stream.progress() if stream else {"running": False, "done": 0})


async def stop_live(request: web.Request) -> web.Response:
    request.app[PLATFORM].stop_live(_store(request).key)
    return await live_progress(request)


async def set_faults(request: web.Request) -> web.Response:
    platform = request.app[PLATFORM]
    platform.faults.set(await _body(request))
    return web.json_response(platform.faults.settings)


async def revoke(request: web.Request) -> web.Response:
    request.app[PLATFORM].revoke(_store(request))
    return web.json_response({"revoked": True})


async def suspend(request: web.Request) -> web.Response:
    """Answer every Admin request with ``status`` (402, 423 …); 0 ends it."""
    _store(request).suspended = int((await _body(request)).get("status", 402))
    return web.json_response({"status": _store(request).suspended})


async def dataset(request: web.Request) -> web.Response:
    found = _store(request).world.dataset
    if found is None:
        return web.json_response({"error": "this shop is not from a data set"}, status=404)
    return web.json_response(found)


ROUTES = [
    web.get("/_sim/stats", stats),
    web.post("/_sim/shops", create_shop),
    web.get("/_sim/shops/{shop}/truth/{kind}", truth),
    web.post("/_sim/shops/{shop}/actions", act),
    web.post("/_sim/shops/{shop}/live", start_live),
    web.get("/_sim/shops/{shop}/live", live_progress),
    web.delete("/_sim/shops/{shop}/live", stop_live),
    web.post("/_sim/shops/{shop}/revoke", revoke),
    web.post("/_sim/shops/{shop}/suspend", suspend),
    web.get("/_sim/shops/{shop}/dataset", dataset),
    web.post("/_sim/faults", set_faults),
]
