"""Privacy requests: what is left to do, and which texts name whom they are about."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

from shared.deliveries import Delivery
from shared.shopify.snapshots import Fact, Owner, Snapshot

Step: TypeAlias = Literal["begin", "bodies", "large", "dead", "erase", "end"]

# Shopify's own limit.
DUE_AFTER = timedelta(days=30)
# Nearer to its end a deadline needs a person.
CLOSE = timedelta(days=7)
EXPORT_KEPT = timedelta(days=14)
# How long whoever looks through the dead letters has them to themselves.
LOOKING = timedelta(minutes=2)
# How long an answer may be looked for again when the database refused what was tried.
RETRY_AFTER = timedelta(hours=1)

# A number by itself, not a part of a word or of an amount.
_NUMBER = re.compile(rb"(?<![\w.])\d{1,19}(?![\w.])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request of Shopify's; *place* is how far its *step* is."""

    owner: Owner
    request_id: UUID
    topic: str
    customer_id: int | None
    order_ids: list[int]
    names: list[str]
    step: Step
    place: list[str] | None
    received_at: datetime

    @property
    def subject(self) -> Subject:
        """Whom it is about."""
        ids = (self.customer_id, *self.order_ids)
        return Subject.of((one for one in ids if one is not None), self.names)

    def forbids(self, delivery: Delivery) -> bool:
        """Whether *delivery* may not be kept: anything of a shop, what names a customer."""
        if (delivery.tenant_id, delivery.shop_id) != (self.owner.tenant_id, self.owner.shop_id):
            return False
        return self.topic == "shop/redact" or self.subject.is_named_in(delivery.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom a text must not name: ids of customer and orders, other names in lower case."""

    ids: frozenset[int]
    names: frozenset[bytes] = frozenset()

    @classmethod
    def of(cls, ids: Iterable[int], names: Iterable[str] = ()) -> Subject:
        """Return the subject with these *ids* and *names*."""
        return cls(
            ids=frozenset(ids), names=frozenset(name.lower().encode() for name in names if name)
        )

    def is_named_in(self, body: bytes) -> bool:
        """Return whether *body* names one of the ids or names."""
        if any(int(number) in self.ids for number in _NUMBER.findall(body)):
            return True
        lower = body.lower()
        return any(name in lower for name in self.names)


def numbers(bodies: Iterable[bytes]) -> set[int]:
    """Return every number in *bodies* that could be an id."""
    found = {int(number) for body in bodies for number in _NUMBER.findall(body)}
    return {number for number in found if number < 2**63}


def ids_of(facts: Iterable[Fact], owner: Owner, kinds: Collection[str]) -> list[int]:
    """Return the ids of *owner*'s objects of *kinds* that *facts* show whole."""
    return sorted(
        {
            fact.key[0]
            for fact in facts
            if isinstance(fact, Snapshot) and fact.owner == owner and fact.kind in kinds
        }
    )
