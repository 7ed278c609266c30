"""What nodes are made of: connections, money, addresses, references."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec

T = TypeVar("T")

Count = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]


# Nodes are trees, so the cycle collector need not walk them (gc=False).
class Node(msgspec.Struct, rename="camel", kw_only=True, gc=False):
    """Names are Shopify's in snake case; unknown fields are ignored."""


class Reference(Node):
    id: str


class PageInfo(Node):
    has_next_page: bool = False
    end_cursor: str | None = None


class Edge(Node, Generic[T], omit_defaults=True):
    node: T
    cursor: str | None = None


class Page(Node, Generic[T]):
    """One page of a connection."""

    edges: list[Edge[T]] = msgspec.field(default_factory=list)
    page_info: PageInfo = msgspec.field(default_factory=PageInfo)

    @property
    def nodes(self) -> list[T]:
        """The nodes without their edges."""
        return [edge.node for edge in self.edges]


class Money(Node):
    amount: str
    currency_code: str = ""


class MoneyBag(Node):
    shop_money: Money
    presentment_money: Money


class AddressNode(Node):
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
    country_code: str | None = msgspec.field(name="countryCodeV2", default=None)
    zip: str | None = None
    phone: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class AttributeNode(Node):
    key: str
    value: str | None = None
