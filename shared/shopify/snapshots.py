"""What one payload says about Shopify objects, ready for Postgres: the mapper's only output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal[
    "order",
    "product",
    "customer",
    "location",
    "inventory_item",
    "inventory_level",
    "order_details",
    "fulfillment_order",
    "draft_order",
    "abandoned_checkout",
    "collection",
    "discount",
    "gift_card",
    "payout",
    "dispute",
    "balance_transaction",
]
Source: TypeAlias = Literal["webhook", "poll", "bulk", "refetch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose rows these are."""

    tenant_id: str
    shop_id: int


# Hundreds of thousands are made in a full sync, in trees: the cycle collector need not walk them.
class Snapshot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One Shopify object at one moment.

    *key* is the Shopify id; for an inventory level it is (inventory_item_id, location_id).
    *row* and each line of *children* are text COPY lines with the columns of ``shared.tables``.
    A child table that is present replaces the stored set, an empty one empties it; one that is
    absent says nothing about those children and leaves them alone (``transactions`` in an order
    webhook). *incomplete* names why the object must be read again by id, or is empty: fields the
    payload cannot carry keep their stored value until then.
    """

    owner: Owner
    kind: Kind
    key: tuple[int, ...]
    updated_at: datetime
    row: str
    children: Mapping[str, Sequence[str]] = msgspec.field(default_factory=dict)
    incomplete: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """Shopify says that an object is gone; *at* is when it said so."""

    owner: Owner
    kind: Kind
    key: tuple[int, ...]
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refetch:
    """The payload only names an object that must be read by id."""

    owner: Owner
    kind: Kind
    key: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildRows:
    """Rows that add to one parent's children without replacing the set (a single transaction)."""

    owner: Owner
    table: str
    parent: tuple[int, ...]
    rows: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopFacts:
    """The shop itself, from ``shop/update`` or the Shop query."""

    owner: Owner
    shopify_shop_id: int
    shop_domain: str
    name: str
    email: str | None
    plan: str | None
    currency: str
    iana_timezone: str
    taxes_included: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMerged:
    """The customer *gone* became part of *kept*, and its orders with it."""

    owner: Owner
    gone: int
    kept: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AppUninstalled:
    """The app left the shop; tokens are dead."""

    owner: Owner
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopTouched:
    """Something about the shop or the app's scopes changed that only the Admin API tells whole."""

    owner: Owner
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkFinished:
    """A bulk operation ended, whichever way; *gid* names it."""

    owner: Owner
    gid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyAsked:
    """Shopify passes on what privacy law demands: show or erase a customer, or erase the shop.

    *names* are the customer's email and phone, *order_ids* those of its orders that are meant.
    """

    owner: Owner
    topic: str
    webhook_id: str
    customer_id: int | None
    order_ids: tuple[int, ...]
    names: tuple[str, ...]
    body_sha256: bytes
    received_at: datetime


Fact: TypeAlias = (
    Snapshot
    | Deletion
    | Refetch
    | ChildRows
    | ShopFacts
    | CustomerMerged
    | AppUninstalled
    | ShopTouched
    | BulkFinished
    | PrivacyAsked
)
