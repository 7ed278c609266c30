"""When a message is tried again, and when an endpoint is given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

_MINUTE: Final = 60
_HOUR: Final = 3600
LADDER_SECONDS: Final = (
    5,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    10 * _HOUR,
)
PATIENCE: Final = timedelta(days=5)
# As long as messages are kept at all.
_KEPT: Final = timedelta(days=30)
_SPREAD: Final = 0.25
_GONE: Final = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A claimed message with what is known of its endpoint."""

    tenant_id: UUID
    shop_id: int
    endpoint_id: UUID
    event_id: UUID
    body: str
    attempts: int
    url: str
    secret_enc: str
    former_secret_enc: str | None
    failing_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of posting a message; *error* is None when it was taken."""

    at: datetime
    milliseconds: int
    status: int | None
    error: str | None
    excerpt: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """Why an endpoint is disabled, and until when its events are kept, should it be enabled."""

    reason: str
    kept_until: datetime | None


def next_due(attempts: int, *, at: datetime, draw: float) -> datetime | None:
    """Return when to try again after *attempts* failed; None when it was often enough.

    *draw*, from 0 to 1, shortens a wait by up to a quarter, so that messages that failed together
    do not come back together.
    """
    if attempts > len(LADDER_SECONDS):
        return None
    wait = LADDER_SECONDS[attempts - 1] * (1 - _SPREAD * draw)
    return at + timedelta(seconds=wait)


def given_up(message: Outgoing, attempt: Attempt) -> GivenUp | None:
    """Return why an endpoint is disabled after *attempt* failed, if it is so."""
    if attempt.status == _GONE:
        return GivenUp(reason="it answered 410 Gone", kept_until=None)
    since = message.failing_since
    if since is not None and attempt.at - since >= PATIENCE:
        reason = f"nothing was taken for {PATIENCE.days} days; last: {attempt.error}"
        return GivenUp(reason=reason, kept_until=attempt.at + _KEPT)
    return None
