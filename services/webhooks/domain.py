"""Whose delivery it is, what it claims, and whether we take it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, TypeAlias
from uuid import UUID, uuid5

import msgspec

from shared.bus.protocol import MAX_BODY_BYTES
from shared.deliveries import Delivery
from shared.errors import NotFound, Rejected
from shared.shopify.addressee import addressee, may_name_a_shop

# Of a shop that we do not know we hold nothing, so that what they ask for is done.
PRIVACY_TOPICS: Final = frozenset({"customers/data_request", "customers/redact", "shop/redact"})
# They, and a repeated notice of the uninstall itself, come after the store has left.
PARTING_TOPICS: Final = PRIVACY_TOPICS | {"app/uninstalled"}
# It tells that a shop has another domain, under which we do not know it yet.
RENAMING_TOPIC: Final = "shop/update"
# They tell about the app, the shop and privacy, so nobody's choice of topics leaves them out.
_UNASKED: Final = PARTING_TOPICS | {RENAMING_TOPIC, "app/scopes_update", "bulk_operations/finish"}
_TAKING: Final = frozenset({"active", "reauth_required"})

# A frame of one delivery must stay under the limit of the bus even if it does not compress.
CLAIM_CHECK_BYTES: Final = MAX_BODY_BYTES - 16 * 1024
# Privacy requests and descriptions of a shop have some hundred bytes, at most a few thousand.
_ADDRESSED_BYTES: Final = 8 * 1024
# The namespace of their names.
_BODIES: Final = UUID("df5b657f-6db5-42eb-b93f-21f7ad7e2313")
BATCH_DELIVERIES: Final = 64
BATCH_BYTES: Final = 512 * 1024

# What earlier guides called a topic that Shopify calls otherwise.
_TOPIC_ALIASES: Final = {"ORDERS_UPDATE": "ORDERS_UPDATED"}

COUNTED_TOPICS: Final = frozenset(
    f"{noun}/{verb}"
    for noun, verbs in {
        "app": "uninstalled scopes_update",
        "bulk_operations": "finish",
        "carts": "create update",
        "checkouts": "create update delete",
        "collections": "create update delete",
        "customers": "create update delete data_request redact",
        "draft_orders": "create update delete",
        "fulfillments": "create update",
        "inventory_items": "create update delete",
        "inventory_levels": "connect update disconnect",
        "locations": "create update delete",
        "order_transactions": "create",
        "orders": "create updated paid cancelled fulfilled partially_fulfilled edited delete",
        "products": "create update delete",
        "refunds": "create",
        "shop": "update redact",
    }.items()
    for verb in verbs.split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A store that is or was connected.

    *sealed_secret* is its own signing secret, or empty; *topics* are those that its owner chose, in
    one spelling, or None for all.
    """

    tenant_id: str
    shop_id: int
    shop_domain: str
    status: str
    sealed_secret: str = ""
    topics: frozenset[str] | None = None


# As large as the column that it is looked for in.
_Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _Shop(msgspec.Struct):
    """Descriptions of a shop name it by the first two, privacy requests by the other two."""

    id: _Number | None = None
    myshopify_domain: str = ""
    shop_id: _Number | None = None
    shop_domain: str = ""


_shop = msgspec.json.Decoder(_Shop)
# No JSON, or deeper than it is read.
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """A delivery in the spool and its key there."""

    tenant_id: UUID
    shop_id: int
    spool_id: int
    delivery: Delivery


def body_id(shop_id: int, webhook_id: str, signature: str) -> str:
    """Name a large body that *signature* proves: each try of one delivery names it alike.

    Otherwise every try that fails behind the body would leave a copy of it.
    """
    return str(uuid5(_BODIES, f"{shop_id} {webhook_id} {signature}"))


def shop_named(body: bytes, shop_domain: str) -> int | None:
    """Return Shopify's id of the shop that a signed body says has *shop_domain*, if it does."""
    try:
        shop = _shop.decode(body)
    except _UNREADABLE:
        return None
    if shop.myshopify_domain.lower() == shop_domain.lower():
        return shop.id
    return shop.shop_id if shop.shop_domain.lower() == shop_domain.lower() else None


def takes(store: Store, topic: str) -> bool:
    """Say whether a delivery of *topic* for *store* is ours to keep."""
    return store.status in _TAKING or topic in PARTING_TOPICS


def taken_by(store: Store | None, topic: str) -> Store:
    """Return *store*; raise NotFound when it does not exist or has left."""
    if store is None or not takes(store, topic):
        raise NotFound("no such shop", code="unknown_shop")
    return store


def one_spelling(topic: str) -> str:
    """Return *topic* as Shopify's enum spells it: orders/create is ORDERS_CREATE."""
    spelled = topic.upper().replace("/", "_").replace(".", "_")
    return _TOPIC_ALIASES.get(spelled, spelled)


def wants(store: Store, topic: str) -> bool:
    """Say whether *topic* is one that the owner of *store* did not switch off."""
    return store.topics is None or topic in _UNASKED or one_spelling(topic) in store.topics


def check_addressee(body: bytes, shop_domain: str, topic: str) -> None:
    """Raise Rejected when a signed body names another shop than the header, which is not signed.

    A ``shop/update`` may: the shop has another domain. So may what is no JSON; it is kept as it is.
    Bodies that describe something larger name no shop, and the syncer looks at them again.
    """
    if len(body) > _ADDRESSED_BYTES or topic == RENAMING_TOPIC or not may_name_a_shop(body):
        return
    try:
        named = addressee.decode(body)
    except _UNREADABLE:
        return
    if named.is_other_than(shop_domain):
        raise Rejected("the body names another shop than the header", code="shop_mismatch")


def age_seconds(triggered_at: str, moment: datetime) -> float:
    """Return how long ago the header says that it happened; 0 when it does not say so."""
    try:
        triggered = datetime.fromisoformat(triggered_at)
    except ValueError:
        return 0.0
    return (moment - triggered).total_seconds() if triggered.tzinfo else 0.0


def agree(path_topic: str, topic: str) -> None:
    """Raise Rejected when the URL names another topic than the header."""
    named = path_topic.strip("/")
    if named and one_spelling(named) != one_spelling(topic):
        raise Rejected("the URL names another topic than X-Shopify-Topic", code="topic_mismatch")


def counted(topic: str) -> str:
    """Return *topic* as a metric label: bounded, whatever a caller sends."""
    return topic if topic in COUNTED_TOPICS else "other"


def one_message(spooled: Iterable[Spooled]) -> list[Spooled]:
    """Take as many of *spooled* as make a message of the usual size, in order; one at least."""
    batch: list[Spooled] = []
    size = 0
    for one in spooled:
        size += len(one.delivery.body)
        if batch and size > BATCH_BYTES:
            break
        batch.append(one)
    return batch
