"""Bulk operations as values: what Shopify answered, and what to do next.

Source: https://shopify.dev/docs/api/usage/bulk-operations/queries
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from shared.errors import Rejected

# wait: ask later; read: the result is whole; again: start anew; cut: Shopify failed on so much,
# ask for less; denied: the token could not read everything, which a newer one may.
Step: TypeAlias = Literal["wait", "read", "again", "cut", "denied"]

_RUNNING = frozenset({"CREATED", "RUNNING", "CANCELING"})
_IN_PROGRESS = frozenset({"OPERATION_IN_PROGRESS", "LIMIT_REACHED"})
_STEPS: dict[str, Step] = {"COMPLETED": "read", "FAILED": "cut"}
_PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_BUSY_SECONDS = (0.5, 1.0, 2.0, 5.0)

# More would not fit the eight megabytes of temp_buffers that PostgreSQL gives a session.
MOST_PER_TRANSACTION = 750
_FEWEST_PER_TRANSACTION = 25
# Of what a process has written, one of its transactions holds so little: a kill undoes it.
_UNDONE_BY_A_KILL = 40


class Operation(msgspec.Struct, rename="camel", frozen=True):
    """One bulk operation; counts and size (bytes) are Shopify's, as text."""

    id: str
    status: str
    error_code: str | None = None
    object_count: str = "0"
    root_object_count: str = "0"
    file_size: str | None = None
    url: str | None = None


class _UserError(msgspec.Struct):
    message: str
    code: str | None = None


class _Started(msgspec.Struct, rename="camel"):
    bulk_operation: Operation | None = None
    user_errors: list[_UserError] = []


class _RunBody(msgspec.Struct, rename="camel"):
    bulk_operation_run_query: _Started


class _StateBody(msgspec.Struct, rename="camel"):
    bulk_operation: Operation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One window of a job; *gid* once Shopify works on it.

    It holds what was created from *start* until before *end* (None: planned before bounds were
    kept). *roots_done* of the objects in the file of *gid*, in its order, are committed; *roots*
    is how many Shopify counted in it.
    """

    number: int
    search: str
    start: datetime | None = None
    end: datetime | None = None
    gid: str | None = None
    roots_done: int = 0
    roots: int = 0
    done: bool = False
    error: str | None = None


def started(body: bytes) -> Operation | None:
    """Return the operation that began, or None when all slots of the shop are taken.

    Raises Rejected when Shopify refuses the query.
    """
    answer = msgspec.json.decode(body, type=_RunBody).bulk_operation_run_query
    if answer.bulk_operation is not None and not answer.user_errors:
        return answer.bulk_operation
    if any(error.code in _IN_PROGRESS for error in answer.user_errors):
        return None
    text = "; ".join(error.message for error in answer.user_errors) or "no operation began"
    raise Rejected(f"Shopify refused the bulk query: {text}", code="bulk_refused")


def state_of(body: bytes) -> Operation | None:
    """Return the operation asked for; None when Shopify has forgotten it."""
    return msgspec.json.decode(body, type=_StateBody).bulk_operation


def next_step(operation: Operation | None) -> Step:
    """Decide how to go on.

    ``partialDataUrl`` of a failed operation is left alone: nothing says which of its objects have
    all their children, and half an order would stay half, because the whole one that follows
    carries the same updated_at.
    """
    if operation is None:
        return "again"
    if operation.error_code == "ACCESS_DENIED":
        return "denied"
    if operation.status in _RUNNING:
        return "wait"
    return _STEPS.get(operation.status, "again")


def how_it_ended(operation: Operation | None) -> str:
    """Return why an operation left no result, for people."""
    if operation is None:
        return "Shopify has forgotten the operation"
    code = f" ({operation.error_code})" if operation.error_code else ""
    return f"the operation ended as {operation.status}{code}"


def pause_seconds(asked: int) -> float:
    """Return how long to wait before asking again for an operation asked for so often."""
    return _PAUSES_SECONDS[min(asked, len(_PAUSES_SECONDS) - 1)]


def busy_seconds(tried: int) -> float:
    """Return how long to wait for a free slot after so many tries."""
    return _BUSY_SECONDS[min(tried, len(_BUSY_SECONDS) - 1)]


def part_size(written: int) -> int:
    """Return how many objects the next transaction of a run may hold that has *written* so many.

    Larger ones are faster; but what a killed process had sent and not committed is sent again.
    """
    return min(MOST_PER_TRANSACTION, max(_FEWEST_PER_TRANSACTION, written // _UNDONE_BY_A_KILL))
