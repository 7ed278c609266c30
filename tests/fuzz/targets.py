"""What the receiver and the syncer make of headers and bodies, called with anything."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any, Protocol

from multidict import CIMultiDict

from bench.ingesting.orders import bodies
from services.webhooks import domain
from services.webhooks.addresses import Networks, client_of, household
from shared.deliveries import Delivery, pack, unpack
from shared.errors import Rejected
from shared.shopify.headers import signature_claimed, webhook_headers
from shared.shopify.schema_drift import FIELDS
from shared.shopify.signature import webhook_is_signed
from shared.shopify.webhooks import TOPICS, facts_of
from shared.tracing import traced

TENANT = "00000000-0000-0000-0000-00000000000a"
SHOP = "fuzz.myshopify.com"
MOMENT = datetime(2026, 11, 21, tzinfo=UTC)
_TOPICS = [*sorted(TOPICS), "surprises/create"]
_KEYS = [*sorted({key for keys in FIELDS.values() for key in keys}), "shop_domain", "amount"]
_NAMES = [
    family + name
    for family in ("X-Shopify-", "Shopify-")
    for name in ("Topic", "Shop-Domain", "Webhook-Id", "Event-Id", "Triggered-At", "Hmac-Sha256")
] + ["traceparent", "X-Forwarded-For"]
_SCALARS = [
    *(None, True, False, 0, -1, 2**63, 10**40, 0.1, -0.0, 1e308, "", "0", "-1.5", "1e9"),
    *("NaN", "12.34", "USD", "2026-11-20T10:00:00+01:00", "2026-02-30", "0000-00-00", "\x00"),
    *("\ud800", "gid://shopify/Order/1", SHOP, "other.myshopify.com", [], {}),
]
_ORDER = next(bodies(1))
_ORDER_TOPICS = [topic for topic in _TOPICS if topic.startswith("orders/")]
_PROXIES = Networks.parse("10.0.0.0/8")


class Source(Protocol):
    """Where decisions come from: ``atheris.FuzzedDataProvider``."""

    def ConsumeIntInRange(self, least: int, most: int) -> int: ...  # noqa: N802
    def ConsumeUnicode(self, count: int) -> str: ...  # noqa: N802
    def ConsumeBytes(self, count: int) -> bytes: ...  # noqa: N802
    def PickValueInList(self, values: list[Any]) -> Any: ...  # noqa: N802


def headers(source: Source) -> None:
    """Whatever the headers are, they are read or rejected."""
    given: CIMultiDict[str] = CIMultiDict()
    for _ in range(source.ConsumeIntInRange(0, 14)):
        drawn = source.ConsumeIntInRange(0, 3)
        name = source.PickValueInList(_NAMES) if drawn else source.ConsumeUnicode(12)
        common = source.PickValueInList([SHOP, "orders/create", "1", MOMENT.isoformat()])
        given.add(name, common if drawn == 1 else source.ConsumeUnicode(60))
    body = source.ConsumeBytes(40)
    webhook_is_signed(body, signature_claimed(given), ("secret",))
    household(client_of("10.0.0.1", given.getall("X-Forwarded-For", ()), _PROXIES))
    with contextlib.suppress(Rejected):
        claims = webhook_headers(given)
        webhook_is_signed(body, claims.signature, ("secret", "other"))
        domain.age_seconds(claims.triggered_at, MOMENT)
        traced(claims.traceparent)
        domain.counted(claims.topic)
        domain.agree(source.ConsumeUnicode(20), claims.topic)
        domain.check_addressee(body, claims.shop_domain, claims.topic)


def body(source: Source) -> None:
    """Whatever the body is, it is facts or rejected."""
    raw = (
        source.ConsumeBytes(400)
        if source.ConsumeIntInRange(0, 3) == 0
        else json.dumps(_object(source, depth=4)).encode()
    )
    _mapped(source.PickValueInList(_TOPICS), raw)


def order(source: Source) -> None:
    """Whatever is wrong with an order that is otherwise right, it is facts or rejected."""
    told = json.loads(_ORDER)
    for _ in range(source.ConsumeIntInRange(1, 4)):
        _spoil(told, source)
    _mapped(source.PickValueInList(_ORDER_TOPICS), json.dumps(told).encode())


def _spoil(told: Any, source: Source) -> None:
    """Replace one thing, anywhere in *told*."""
    while told:
        places = list(told) if isinstance(told, dict) else list(range(len(told)))
        place = source.PickValueInList(places)
        inner = told[place]
        if not isinstance(inner, dict | list) or source.ConsumeIntInRange(0, 4) == 0:
            told[place] = _value(source, depth=2)
            return
        told = inner


def _mapped(topic: str, raw: bytes) -> None:
    moment = MOMENT.isoformat()
    delivery = Delivery(TENANT, 7, SHOP, topic, "w", "e", moment, moment, "2026-10", raw)
    with contextlib.suppress(Rejected):
        domain.check_addressee(raw, SHOP, topic)
        facts_of(delivery)
    domain.shop_named(raw, SHOP)
    assert unpack(pack([delivery])) == [delivery]


def frame(source: Source) -> None:
    """Whatever comes over the bus, it is a batch or rejected."""
    with contextlib.suppress(Rejected):
        unpack(source.ConsumeBytes(400))


ALL = (headers, body, order, frame)


def _object(source: Source, *, depth: int) -> dict[str, Any]:
    return {
        source.PickValueInList(_KEYS): _value(source, depth=depth - 1)
        for _ in range(source.ConsumeIntInRange(1, 8))
    } | {"id": source.PickValueInList([1, 5_000_000_000, "7", None])}


def _value(source: Source, *, depth: int) -> Any:
    kind = source.ConsumeIntInRange(0, 6) if depth else 6
    if kind == 0:
        return _object(source, depth=depth)
    if kind == 1:
        return [_object(source, depth=depth) for _ in range(source.ConsumeIntInRange(0, 3))]
    if kind == 2:
        return source.ConsumeUnicode(20)
    return source.PickValueInList(_SCALARS)
