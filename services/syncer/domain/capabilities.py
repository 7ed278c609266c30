"""What an app may read of a shop, judged by its scopes and by what Shopify let it see."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias, get_args

from shared.errors import Forbidden
from shared.shopify.resources import RESOURCES, Resource

State: TypeAlias = Literal["available", "missing_scope", "protected", "not_on_plan", "failing"]

STATES: tuple[State, ...] = get_args(State)
# What Shopify shows of orders without read_all_orders; source: the Order type's description.
ORDERS_SHOWN = timedelta(days=60)
_ORDERS = frozenset({"orders", "order_details"})
_OF_PAYMENTS = "shopifyPaymentsAccount."
_WITH_CUSTOMERS = frozenset({"customers", "orders", "draft_orders", "abandoned_checkouts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """Whether a resource can be read, and why not, or not wholly.

    *missing_scopes* of an available one cost it a part. *complete_since*: Shopify shows nothing
    older; None when it shows everything.
    """

    resource: str
    state: State
    reason: str | None = None
    missing_scopes: tuple[str, ...] = ()
    complete_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found out about a shop: *payments* is None where nobody could tell.

    *protected* is what Shopify said instead of a customer's data, empty when it gave it.
    """

    granted: Collection[str]
    at: datetime
    payments: bool | None = None
    protected: str = ""


def covering(scopes: Iterable[str]) -> frozenset[str]:
    """Return *scopes* with what they imply: who may write may read."""
    named = set(scopes)
    return frozenset(named | {one.replace("write_", "read_", 1) for one in named})


def judged(found: Findings) -> list[Capability]:
    """Return what can be read of a shop, resource by resource."""
    return [_judged(resource, found) for resource in RESOURCES.values()]


def refusal_of(resource: str, error: Forbidden) -> Capability | None:
    """Return what Shopify's refusal of a job says about its resource; None: nothing lasting."""
    if error.code == "protected_customer_data":
        return Capability(resource=resource, state="protected", reason=str(error))
    scopes = error.details.get("required_scopes")
    if error.code != "access_denied" or not isinstance(scopes, list) or not scopes:
        return None
    lacking = tuple(map(str, scopes))
    return Capability(
        resource=resource, state="missing_scope", reason=str(error), missing_scopes=lacking
    )


def _judged(resource: Resource, found: Findings) -> Capability:
    lacking = _missing(resource.scopes, found.granted)
    if lacking:
        reason = f"the app lacks {', '.join(lacking)}"
        return Capability(
            resource=resource.name, state="missing_scope", reason=reason, missing_scopes=lacking
        )
    if resource.root.startswith(_OF_PAYMENTS) and found.payments is False:
        reason = "the shop does not use Shopify Payments"
        return Capability(resource=resource.name, state="not_on_plan", reason=reason)
    limited = resource.name in _ORDERS and "read_all_orders" not in found.granted
    since = found.at - ORDERS_SHOWN if limited else None
    if found.protected and resource.name in _WITH_CUSTOMERS:
        return Capability(
            resource=resource.name,
            state="protected",
            reason=found.protected,
            complete_since=since,
        )
    partly = _missing(resource.optional, found.granted)
    why = ["without read_all_orders Shopify shows the orders of 60 days"] if limited else []
    why += [f"without {scope} a part of it is not read" for scope in partly]
    return Capability(
        resource=resource.name,
        state="available",
        reason="; ".join(why) or None,
        missing_scopes=partly,
        complete_since=since,
    )


def _missing(scopes: Iterable[str], granted: Collection[str]) -> tuple[str, ...]:
    return tuple(scope for scope in scopes if scope not in granted)
