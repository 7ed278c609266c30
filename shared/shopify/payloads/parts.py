"""What REST-shaped bodies are made of, and the same as parts of nodes."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec
import orjson

from shared.errors import Rejected
from shared.shopify.mapping.values import Malformed
from shared.shopify.nodes.orders import AllocationNode, ApplicationIndex, TaxNode, bag
from shared.shopify.nodes.parts import (
    AddressNode,
    AttributeNode,
    Count,
    Edge,
    MoneyBag,
    Page,
    Reference,
    T,
)

Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

# A plain amount is a text, or a bare number in old bodies, of which ``decoder`` keeps the digits
# that were sent: a float is no amount.
Plain: TypeAlias = Annotated[
    Any, msgspec.Meta(extra_json_schema={"type": ["string", "number", "null"]})
]
# A value of any type, as the bytes that were sent.
Verbatim: TypeAlias = msgspec.Raw


def nothing() -> Verbatim:
    """Return null for a field that is absent; as its default no schema could show it."""
    return msgspec.Raw(b"null")


class Payload(msgspec.Struct, kw_only=True, gc=False):
    """Names are Shopify's; unknown fields are ignored."""


class MoneyPayload(Payload):
    amount: Plain = None
    currency_code: str | None = None
    currency: str | None = None


class BagPayload(Payload):
    shop_money: MoneyPayload
    presentment_money: MoneyPayload | None = None


class TaxPayload(Payload):
    title: str | None = None
    rate: float | str | None = None
    channel_liable: bool | None = None
    price: Plain = None
    price_set: BagPayload | None = None


class AllocationPayload(Payload):
    discount_application_index: Count = 0
    amount: Plain = None
    amount_set: BagPayload | None = None


class AddressPayload(Payload):
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    country: str | None = None
    country_code: str | None = None
    zip: str | None = None
    phone: str | None = None
    latitude: float | str | None = None
    longitude: float | str | None = None


class AttributePayload(Payload):
    name: str
    value: Verbatim = msgspec.field(default_factory=nothing)


def decoder(body: type[T]) -> msgspec.json.Decoder[T]:
    """Return a decoder of *body* that loses no digit of a plain amount."""
    return msgspec.json.Decoder(body, float_hook=str)


def plain(value: Plain) -> str | None:
    """Return a plain amount's text, None when it is absent, null or empty."""
    if value is None or type(value) is str:
        return value or None
    if type(value) is int:
        return str(value)
    raise Malformed(str(value))


def amounts(both: BagPayload | None, value: Plain) -> tuple[str, str] | None:
    """Return the amounts of the ``*_set``, else the plain amount in both currencies."""
    if both is not None and (of_shop := plain(both.shop_money.amount)):
        other = both.presentment_money
        return of_shop, (plain(other.amount) if other else None) or of_shop
    single = plain(value)
    return None if single is None else (single, single)


def money(
    both: BagPayload | None, value: Plain = None, default: MoneyBag | None = None
) -> MoneyBag | None:
    """Return what ``amounts`` finds, else *default*."""
    found = amounts(both, value)
    return default if found is None else bag(*found)


def known(
    both: BagPayload | None, value: Plain = None, default: MoneyBag | None = None
) -> MoneyBag:
    """Return what ``money`` finds, else zero."""
    return money(both, value, default) or bag("0")


def certain(both: BagPayload | None, value: Plain, *, name: str) -> tuple[str, str]:
    """Return what ``amounts`` finds; an object without its price is no object."""
    found = amounts(both, value)
    if found is None:
        raise Rejected(f"{name} is missing", code="bad_payload", details={"path": f"$..{name}"})
    return found


def page(nodes: list[T]) -> Page[T]:
    """Return *nodes* as a connection that is complete."""
    return Page(edges=[Edge(node=node) for node in nodes])


def reference(number: int | None) -> Reference | None:
    """Return a reference to the object of that number; REST also writes 0 for none."""
    return Reference(id=str(number)) if number else None


def split_tags(tags: str | list[str] | None) -> list[str]:
    """Return the tags of a comma-separated text."""
    parts = tags.split(",") if isinstance(tags, str) else tags or []
    return [tag for tag in (part.strip() for part in parts) if tag]


def taxes(payloads: list[TaxPayload] | None) -> list[TaxNode]:
    """Return tax lines."""
    return [
        TaxNode(
            title=one.title,
            rate=one.rate,
            channel_liable=one.channel_liable,
            price_set=known(one.price_set, one.price),
        )
        for one in payloads or ()
    ]


def allocations(payloads: list[AllocationPayload] | None) -> list[AllocationNode]:
    """Return discount allocations."""
    return [
        AllocationNode(
            allocated_amount_set=known(one.amount_set, one.amount),
            discount_application=ApplicationIndex(index=one.discount_application_index),
        )
        for one in payloads or ()
    ]


def address(payload: AddressPayload | None) -> AddressNode | None:
    """Return an address; an empty object is none."""
    if payload is None:
        return None
    node = AddressNode(
        first_name=payload.first_name,
        last_name=payload.last_name,
        name=payload.name,
        company=payload.company,
        address1=payload.address1,
        address2=payload.address2,
        city=payload.city,
        province=payload.province,
        province_code=payload.province_code,
        country=payload.country,
        country_code=payload.country_code,
        zip=payload.zip,
        phone=payload.phone,
        latitude=_degrees(payload.latitude),
        longitude=_degrees(payload.longitude),
    )
    return None if node == AddressNode() else node


def attributes(payloads: list[AttributePayload] | None) -> list[AttributeNode]:
    """Return note attributes or line properties; a value that is no text keeps its JSON text."""
    return [AttributeNode(key=one.name, value=_value(one.value)) for one in payloads or ()]


def _value(raw: Verbatim) -> str | None:
    written = bytes(raw)
    value = orjson.loads(written)
    return value if value is None or isinstance(value, str) else written.decode()


def _degrees(value: float | str | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None
