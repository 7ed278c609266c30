"""Connections as answers hold them, to be read page by page.

Unlike ``nodes.parts.Page`` nothing has a default: an answer that does not say
whether there is more is not the last page.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class PageInfo(msgspec.Struct, rename="camel"):
    """Where the next page begins, if there is one."""

    has_next_page: bool
    end_cursor: str | None = None


class Edge(msgspec.Struct, Generic[T]):
    """One node in its place."""

    node: T


class ConnectionPage(msgspec.Struct, Generic[T], rename="camel"):
    """One page of a connection."""

    edges: list[Edge[T]]
    page_info: PageInfo
