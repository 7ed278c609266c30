"""What a delivery is worth: its facts, its place in the inbox, and whether it says anything new."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from shared.deliveries import HANDED_AT, SPOOLED, Delivery
from shared.shopify.snapshots import AppUninstalled, ChildRows, Fact, Snapshot

InboxKey: TypeAlias = tuple[str, int, str, str]
BodyKey: TypeAlias = tuple[str, int, str, bytes]
State: TypeAlias = Literal["applied", "duplicate", "stale", "ignored", "dead"]

_LONGEST_NAME = 100
_YEARS = range(1900, 2200)


class _Mention(msgspec.Struct):
    """What is worth knowing of a body that cannot be mapped."""

    id: object = None
    order_id: object = None
    name: object = None


_mention = msgspec.json.Decoder(_Mention)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a delivery came to us; None is what its message does not tell."""

    taken_at: datetime | None = None
    handed_at: datetime | None = None
    spooled: bool = False
    attempts: int = 1

    @classmethod
    def of(cls, headers: Mapping[str, str], *, attempt: int, taken_at: datetime) -> Way:
        """Read the *headers* of a message that was taken for the (*attempt* + 1)th time."""
        return cls(
            taken_at=taken_at,
            handed_at=moment(headers.get(HANDED_AT, "")),
            spooled=SPOOLED in headers,
            attempts=attempt + 1,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One delivery with what its body says; *error* tells why it cannot be mapped."""

    delivery: Delivery
    sha256: bytes
    frame: bytes
    facts: Sequence[Fact] = ()
    state: State = "applied"
    error: str | None = None
    way: Way = field(default_factory=Way)
    outcome: str | None = None

    @property
    def key(self) -> InboxKey:
        """The inbox's primary key, which is also the lock order."""
        d = self.delivery
        return (d.tenant_id, d.shop_id, d.topic, d.webhook_id)

    @property
    def body_key(self) -> BodyKey:
        d = self.delivery
        return (d.tenant_id, d.shop_id, d.topic, self.sha256)

    @property
    def resource_id(self) -> int | None:
        for fact in self.facts:
            if isinstance(fact, ChildRows):
                return fact.parent[0]
            if not isinstance(fact, AppUninstalled) and hasattr(fact, "key"):
                return int(fact.key[0])
        return self._mentioned_id() if self.state == "dead" else None

    @property
    def resource_name(self) -> str | None:
        """What a body that could not be mapped calls its object."""
        if self.state != "dead":
            return None
        name = self._mentioned().name
        return name[:_LONGEST_NAME] if isinstance(name, str) and "\0" not in name else None

    @property
    def trace_id(self) -> uuid.UUID | None:
        """The id that logs, messages and this delivery share."""
        try:
            return uuid.UUID(self.delivery.traceparent[3:35])
        except ValueError:
            return None

    def _mentioned_id(self) -> int | None:
        said = self._mentioned()
        found = said.order_id or said.id
        return found if type(found) is int and 0 < found < 2**63 else None

    def _mentioned(self) -> _Mention:
        try:
            return _mention.decode(self.delivery.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            # The last one of what is nested deeper than Python recurses.
            return _Mention()

    @property
    def has_version(self) -> bool:
        """Whether every fact carries updated_at, so that the same bytes say the same again."""
        return bool(self.facts) and all(isinstance(fact, Snapshot) for fact in self.facts)


def arrival(
    delivery: Delivery,
    facts: Sequence[Fact],
    *,
    frame: bytes,
    error: str | None = None,
    way: Way | None = None,
) -> Arrival:
    """Return *delivery* as dead with *error*, ignored without facts, else to be applied.

    *frame* is its compressed body.
    """
    state: State = "dead" if error is not None else "applied" if facts else "ignored"
    return Arrival(
        delivery=delivery,
        sha256=hashlib.sha256(delivery.body).digest(),
        frame=frame,
        facts=facts,
        state=state,
        error=error,
        way=way or Way(),
    )


def sorted_out(arrivals: Sequence[Arrival], known: Collection[BodyKey]) -> list[Arrival]:
    """Return each delivery once, in lock order; a body that was applied before is a duplicate."""
    seen = set(known)
    result = []
    for one in {a.key: a for a in reversed(arrivals)}.values():
        repeated = one.state == "applied" and one.has_version and one.body_key in seen
        if one.state == "applied":
            seen.add(one.body_key)
        result.append(replace(one, state="duplicate", facts=()) if repeated else one)
    return sorted(result, key=lambda a: a.key)


def moment(text: str) -> datetime | None:
    """Read an ISO 8601 time; nanoseconds are cut.

    None without a time zone or a time, and outside 1900-2199: headers are not signed, and an
    edge of the calendar cannot be stored.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo and found.year in _YEARS else None
