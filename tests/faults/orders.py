"""Orders of several shops that are made, changed and deleted, and the webhooks about it.

Simpler than the simulator's on purpose: one line, whole amounts, one change per second, so that
what the database must say in the end is known without any arithmetic of ours.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from shared.deliveries import Delivery

_BEGAN = datetime(2026, 10, 1, tzinfo=UTC)
_LIVING_MOST = 400


@dataclass(frozen=True, slots=True)
class Shop:
    """A connected store of one tenant."""

    tenant_id: str
    shop_id: int
    domain: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One version of one order and what Shopify would post about it."""

    shop: Shop
    topic: str
    order_id: int
    version: int
    amount: int
    body: bytes
    webhook_id: str
    triggered_at: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    def delivery(self) -> Delivery:
        """Return it as a sender knows it."""
        return Delivery(
            tenant_id=self.shop.tenant_id,
            shop_id=self.shop.shop_id,
            shop_domain=self.shop.domain,
            topic=self.topic,
            webhook_id=self.webhook_id,
            event_id="",
            triggered_at=self.triggered_at,
            received_at="",
            api_version="2026-10",
            body=self.body,
        )


def moment_of(version: int) -> datetime:
    """Return the updated_at of *version*; no two versions share a second."""
    return _BEGAN + timedelta(seconds=version)


def version_of(updated_at: datetime) -> int:
    """Return the version that was updated at *updated_at*."""
    return round((updated_at - _BEGAN).total_seconds())


class Histories:
    """An endless seeded stream of changes; a deleted order is never spoken of again."""

    def __init__(self, shops: Sequence[Shop], seed: int, *, padding: int = 1500) -> None:
        self._shops = shops
        self._chance = random.Random(seed)
        self._padding = padding
        self._version = 0
        self._made = 0
        self._living: list[tuple[Shop, int]] = []

    def __iter__(self) -> Iterator[Change]:
        return self

    def __next__(self) -> Change:
        self._version += 1
        draw = self._chance.random()
        if not self._living or (draw < 0.4 and len(self._living) < _LIVING_MOST):
            self._made += 1
            self._living.append((self._chance.choice(self._shops), 9_000_000 + self._made))
            return self._told("orders/create", *self._living[-1])
        place = self._chance.randrange(len(self._living))
        if draw > 0.92:
            return self._gone(*self._living.pop(place))
        return self._told("orders/updated", *self._living[place])

    def take(self, count: int) -> list[Change]:
        """Return the next *count* changes."""
        return [next(self) for _ in range(count)]

    def large(self, padding: int) -> Change:
        """Return a new order whose body is larger than *padding* bytes."""
        self._version += 1
        self._made += 1
        self._living.append((self._chance.choice(self._shops), 9_000_000 + self._made))
        return self._told("orders/create", *self._living[-1], padding=padding)

    def _told(self, topic: str, shop: Shop, order_id: int, *, padding: int = 0) -> Change:
        amount = 100 + self._version * 7 % 90_000
        noise = self._chance.randbytes((padding or self._padding) // 2).hex()
        body = _order(shop, order_id, self._version, amount, note=noise)
        return self._change(shop, topic, order_id, amount, orjson.dumps(body))

    def _gone(self, shop: Shop, order_id: int) -> Change:
        return self._change(shop, "orders/delete", order_id, 0, b'{"id":%d}' % order_id)

    def _change(self, shop: Shop, topic: str, order_id: int, amount: int, body: bytes) -> Change:
        return Change(
            shop=shop,
            topic=topic,
            order_id=order_id,
            version=self._version,
            amount=amount,
            body=body,
            webhook_id=str(uuid.UUID(int=self._chance.getrandbits(128))),
            triggered_at=moment_of(self._version).isoformat(),
        )


def _order(shop: Shop, order_id: int, version: int, amount: int, *, note: str) -> dict[str, object]:
    price, nothing = f"{amount}.00", "0.00"
    line = {
        "id": order_id * 10,
        "quantity": 1,
        "current_quantity": 1,
        "title": "Tea",
        "price": price,
        "price_set": _bag(price, shop.currency),
    }
    totals = dict.fromkeys(("subtotal_price", "total_price", "total_line_items_price"), price)
    totals |= dict.fromkeys(("current_subtotal_price", "current_total_price"), price)
    totals |= dict.fromkeys(("total_discounts", "total_tax", "total_tip_received"), nothing)
    totals |= dict.fromkeys(("current_total_discounts", "current_total_tax"), nothing)
    return {
        "id": order_id,
        "name": f"#{order_id}",
        "order_number": order_id,
        "created_at": "2026-10-01T00:00:00Z",
        "processed_at": "2026-10-01T00:00:00Z",
        "updated_at": moment_of(version).isoformat(),
        "currency": shop.currency,
        "presentment_currency": shop.currency,
        "financial_status": "paid",
        "taxes_included": False,
        "test": False,
        "confirmed": True,
        "note": note,
        "total_outstanding": nothing,
        **totals,
        **{f"{name}_set": _bag(value, shop.currency) for name, value in totals.items()},
        "line_items": [line],
        "tax_lines": [],
        "shipping_lines": [],
        "discount_applications": [],
        "fulfillments": [],
        "refunds": [],
    }


def _bag(amount: str, currency: str) -> dict[str, dict[str, str]]:
    money = {"amount": amount, "currency_code": currency}
    return {"shop_money": money, "presentment_money": money}
