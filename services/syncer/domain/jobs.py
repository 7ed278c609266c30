"""Sync jobs as values, and what becomes of one that fails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

from services.syncer.domain.capabilities import Capability, refusal_of
from shared.errors import Forbidden, Rejected, Unauthorized, Unavailable
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Kind, Owner

# The name of a resource, "shop", or "webhooks" for a replay of deliveries.
JobKind: TypeAlias = str

LEASE = timedelta(seconds=30)
HEARTBEAT_SECONDS = 8.0
MAX_ATTEMPTS = 12
# A token that Shopify refuses this often in a row is dead unless the gateway renews it.
REFUSALS_UNTIL_REAUTH = 3

_WAITS_SECONDS = (2, 5, 10, 20, 40, 60, 120, 300, 600, 900, 1800)
_BUG_ATTEMPTS = 3
_MAY_COME_BACK = frozenset({"shop_inactive", "store_not_active"})

OBJECT: dict[str, Kind] = {name: one.kind for name, one in RESOURCES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A claimed job; *lease_id* proves that it is still ours."""

    owner: Owner
    job_id: UUID
    lease_id: UUID
    kind: JobKind
    mode: Literal["full", "incremental", "verify", "sample", "replay"]
    attempts: int
    started_at: datetime

    @property
    def writes(self) -> bool:
        """Whether it brings our copy up to date, and does not only look at it."""
        return self.mode in ("full", "incremental")

    @property
    def is_long(self) -> bool:
        """Whether it may take hours."""
        return self.mode in ("full", "verify") and self.kind != "shop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Try again after *seconds*; *token_is_dead* once Shopify refused it often enough."""

    seconds: float
    error: str
    token_is_dead: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """It will not work; a person must look."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Shopify does not let us read this resource; *refusal* is what we just learnt of it."""

    error: str
    refusal: Capability | None = None


Fate: TypeAlias = Wait | Fail | Skip


class Refused(Exception):
    """The resource cannot be read, as we knew before the job began."""


class TurnEnded(Exception):
    """The job has had its place for long enough and goes on later."""


class LeaseLost(Exception):
    """Another syncer took the job; what this one has not committed does not count."""


def fate_of(error: Exception, attempts: int, *, kind: JobKind, said: str) -> Fate:
    """Decide what becomes of a job that failed *attempts* times before, and now with *error*.

    *said* is what is kept of an error that is not ours, whose own words may quote a row.
    """
    if isinstance(error, Refused):
        return Skip(error=str(error))
    refusal = refusal_of(kind, error) if isinstance(error, Forbidden) else None
    if refusal is not None and kind in RESOURCES:
        return Skip(error=str(error), refusal=refusal)
    text = f"{error.code}: {error}" if isinstance(error, Rejected | Unavailable) else said
    if attempts + 1 >= MAX_ATTEMPTS:
        return Fail(error=f"gave up after {attempts + 1} attempts: {text}")
    if isinstance(error, Unauthorized):
        dead = attempts + 1 >= REFUSALS_UNTIL_REAUTH
        return Wait(seconds=wait_seconds(attempts), error=text, token_is_dead=dead)
    if isinstance(error, Unavailable):
        return Wait(seconds=max(error.retry_after or 0, wait_seconds(attempts)), error=text)
    if isinstance(error, Rejected) and error.code in _MAY_COME_BACK:
        return Wait(seconds=_WAITS_SECONDS[-1], error=text)
    if isinstance(error, Rejected) or attempts + 1 >= _BUG_ATTEMPTS:
        return Fail(error=text)
    return Wait(seconds=wait_seconds(attempts), error=text)


def wait_seconds(attempts: int) -> float:
    """Return how long to wait after that many failures."""
    return _WAITS_SECONDS[min(attempts, len(_WAITS_SECONDS) - 1)]
