"""Bulk operations as values: what Shopify answered, and what to do next.

Source: https://shopify.dev/docs/api/usage/bulk-operations/queries
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from shared.errors import Forbidden, Rejected

Step: TypeAlias = Literal["wait", "read", "again"]

_RUNNING = frozenset({"CREATED", "RUNNING", "CANCELING"})
_IN_PROGRESS = frozenset({"OPERATION_IN_PROGRESS", "LIMIT_REACHED"})


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
    """One window of a job; *gid* once Shopify works on it."""

    number: int
    search: str
    gid: str | None
    done: bool


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
    """Decide how to go on; raise Forbidden when the app may not read what it asked for."""
    if operation is None:
        return "again"
    if operation.error_code == "ACCESS_DENIED":
        raise Forbidden("the app may not read everything it asked for", code="access_denied")
    if operation.status in _RUNNING:
        return "wait"
    return "read" if operation.status == "COMPLETED" else "again"
