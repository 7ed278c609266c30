"""Connections: opaque cursors, ``first``/``last`` rules and pages of 250 at most."""

from __future__ import annotations

import base64
import binascii
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError

from tests.simulator import search
from tests.simulator.shelf import Entry, Shelf

LARGEST = 250


@dataclass(slots=True)
class Page:
    nodes: list[Any]
    cursors: list[str]
    has_next: bool
    has_previous: bool


def bad_request(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def size(arguments: dict[str, Any]) -> int:
    """The number of nodes asked for, or Shopify's complaint."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is None and last is None:
        raise bad_request("you must provide one of first or last")
    if first is not None and last is not None:
        raise bad_request("providing both first and last is not supported")
    wanted: int = first if first is not None else last
    if not 0 <= wanted <= LARGEST:
        raise bad_request(f"first cannot exceed {LARGEST}")
    return wanted


def cursor(value: int, number: int) -> str:
    text = json.dumps({"last_id": number, "last_value": value}, separators=(",", ":"))
    return base64.b64encode(text.encode()).decode()


def opened(text: str | None) -> Entry | None:
    if not text:
        return None
    try:
        found = json.loads(base64.b64decode(text, validate=True))
        return int(found["last_value"]), int(found["last_id"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise bad_request(f"Invalid cursor for current pagination sort.: {text}") from None


def page_of(nodes: Sequence[Any], arguments: dict[str, Any]) -> Page:
    """One page of a list that is all in memory; the cursor is the place in it."""
    wanted = size(arguments)
    indexed = list(enumerate(nodes))
    if arguments.get("reverse"):
        indexed.reverse()
    places = [place for place, _ in indexed]
    start, stop = 0, len(indexed)
    after, before = opened(arguments.get("after")), opened(arguments.get("before"))
    if after is not None and after[0] in places:
        start = places.index(after[0]) + 1
    if before is not None and before[0] in places:
        stop = places.index(before[0])
    if arguments.get("last") is not None:
        start = max(start, stop - wanted)
    chosen = indexed[start : min(stop, start + wanted)]
    return Page(
        nodes=[node for _, node in chosen],
        cursors=[cursor(place, place) for place, _ in chosen],
        has_next=start + len(chosen) < len(indexed),
        has_previous=start > 0,
    )


def page_of_shelf(
    shelf: Shelf[Any], arguments: dict[str, Any], *, key: str, query: search.Query
) -> Page:
    """One page of everything on *shelf* that matches *query*, sorted by *key*."""
    wanted = size(arguments)
    reverse = bool(arguments.get("reverse"))
    after = opened(arguments.get("after"))
    if arguments.get("last") is not None:
        return _last_page(shelf, wanted, opened(arguments.get("before")), key, query)
    scan = shelf.scan(query, key, reverse=reverse, after=after)
    entries = list(itertools.islice(scan, wanted + 1))
    chosen = entries[:wanted]
    return _page(shelf, chosen, has_next=len(entries) > wanted, has_previous=after is not None)


def _last_page(
    shelf: Shelf[Any], wanted: int, before: Entry | None, key: str, query: search.Query
) -> Page:
    scan = shelf.scan(query, key, reverse=True, after=before)
    entries = list(itertools.islice(scan, wanted + 1))
    chosen = list(reversed(entries[:wanted]))
    return _page(shelf, chosen, has_next=before is not None, has_previous=len(entries) > wanted)


def _page(shelf: Shelf[Any], chosen: list[Entry], *, has_next: bool, has_previous: bool) -> Page:
    nodes = [shelf.get(number) for _, number in chosen]
    return Page(nodes, [cursor(*entry) for entry in chosen], has_next, has_previous)
