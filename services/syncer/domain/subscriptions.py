"""Which webhooks a shop must send us, compared with those it sends."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from shared.shopify.topics import SCOPES, TOPICS, as_enum

# Bodies that describe an object whole carry its metafields, if they are asked to.
_WITH_METAFIELDS = frozenset(
    {
        "ORDERS_CREATE",
        "ORDERS_UPDATED",
        "PRODUCTS_CREATE",
        "PRODUCTS_UPDATE",
        "CUSTOMERS_CREATE",
        "CUSTOMERS_UPDATE",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One webhook subscription at Shopify; its bodies carry the metafields of *namespaces*."""

    gid: str
    topic: str
    uri: str
    namespaces: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What makes a shop's subscriptions right: *kept*, *missing* topics, *surplus* ones."""

    kept: Sequence[Subscription]
    missing: Sequence[str]
    surplus: Sequence[Subscription]


def wanted(granted: Collection[str], chosen: Iterable[str] | None) -> list[str]:
    """Return the topics that the *granted* scopes allow and the store's owner has *chosen*.

    None chooses all. A topic may be written either way, orders/create or ORDERS_CREATE; those
    that tell about the app and the shop are always wanted.
    """
    names = None if chosen is None else {as_enum(topic) for topic in chosen}
    return [
        topic
        for topic, scope in SCOPES.items()
        if not scope or (scope in granted and (names is None or topic in names))
    ]


def namespaces_of(topic: str, chosen: Sequence[str]) -> list[str]:
    """Return those of the *chosen* namespaces that a subscription to *topic* asks for."""
    return sorted(chosen) if topic in _WITH_METAFIELDS else []


def compare(
    existing: Iterable[Subscription],
    uri: str,
    topics: Sequence[str] = TOPICS,
    *,
    namespaces: Sequence[str] = (),
) -> Changes:
    """Compare what a shop has with *topics* at *uri*.

    Ours at another address are surplus: the address has moved. So are ours that nobody wants any
    more, and those that carry other metafields. Topics we do not know are left alone, somebody
    made them on purpose.
    """
    kept: dict[str, Subscription] = {}
    surplus: list[Subscription] = []
    for one in existing:
        is_right = one.uri == uri and _carries(one, namespaces)
        if one.topic in topics and is_right and one.topic not in kept:
            kept[one.topic] = one
        elif one.topic in SCOPES:
            surplus.append(one)
    missing = [topic for topic in topics if topic not in kept]
    return Changes(kept=list(kept.values()), missing=missing, surplus=surplus)


def _carries(one: Subscription, namespaces: Sequence[str]) -> bool:
    return sorted(one.namespaces) == namespaces_of(one.topic, namespaces)
