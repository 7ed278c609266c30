"""What may be said again of a delivery that was kept, and what it is worth afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import msgspec

from services.syncer.domain.arrivals import Arrival, State
from shared.deliveries import Delivery
from shared.shopify.snapshots import ChildRows, Fact, Kind, Owner, Refetch, ShopFacts, ShopTouched
from shared.shopify.snapshots import Snapshot as Snap
from shared.tables import TABLES, UNANNOUNCED

_REASON = "replayed"
_KIND_OF_CHILD: MappingProxyType[str, Kind] = MappingProxyType(
    {child: kind for kind, (_, children) in TABLES.items() for child in children}  # type: ignore[misc]
)
_CHANGES = (":inserted", ":updated", ":removed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A delivery as the log keeps it; *body* is as Shopify sent it."""

    topic: str
    webhook_id: str
    event_id: str | None
    triggered_at: datetime | None
    received_at: datetime
    api_version: str | None
    state: State
    body: bytes

    def delivery(self, owner: Owner, domains: Sequence[str]) -> Delivery:
        """Return it as it came. A body names the domain its shop had then, one of *domains*."""
        body = self.body.lower()
        named = next((one for one in domains if one.encode() in body), domains[0])
        return Delivery(
            tenant_id=owner.tenant_id,
            shop_id=owner.shop_id,
            shop_domain=named,
            topic=self.topic,
            webhook_id=self.webhook_id,
            event_id=self.event_id or "",
            triggered_at=self.triggered_at.isoformat() if self.triggered_at else "",
            received_at=self.received_at.isoformat(),
            api_version=self.api_version or "",
            body=self.body,
        )


def cautious(facts: Iterable[Fact]) -> Iterator[Fact]:
    """Yield what an old body may still say: only what the writer can tell from newer rows.

    What carries no time of its own is read again from Shopify instead.
    """
    for fact in facts:
        match fact:
            case Snap() if UNANNOUNCED & fact.children.keys():
                told = {k: rows for k, rows in fact.children.items() if k not in UNANNOUNCED}
                yield msgspec.structs.replace(
                    fact, children=told, incomplete=fact.incomplete or _REASON
                )
            case ChildRows():
                kind = _KIND_OF_CHILD[fact.table]
                yield Refetch(owner=fact.owner, kind=kind, key=fact.parent, reason=_REASON)
            case ShopFacts():
                yield ShopTouched(owner=fact.owner, reason=_REASON)
            case _:
                yield fact


def state_after(known: State, again: Arrival) -> State:
    """Return the state of a delivery that was *known* and did what *again* says.

    Nothing that was applied once becomes less than that.
    """
    if known in ("dead", "ignored"):
        return known if again.state == "dead" else again.state
    changed = any(change in (again.outcome or "") for change in _CHANGES)
    return "applied" if again.state == "applied" and changed else known


def pause_after(done: int, *, rate: float, seconds: float) -> float:
    """Return how long to rest when *done* deliveries took *seconds*, so as not to exceed *rate*."""
    return max(0.0, done / rate - seconds)
